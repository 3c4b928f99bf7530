/* A small generator and a small classifier of 3 classes with arbitrary weights, and pictures. */
#pragma once

#include "data/dataset.h"
#include "models/generator.h"
#include "models/predictor.h"

LimGenerator *small_generator(void);
LimPredictor *small_predictor(bool other); /* other: with other weights */
/* n pictures of one grey channel, size x size, of classes 0, 1, 2, 0, ... that look different. */
LimDataset *small_dataset(int n, int size, int classes);
/* Steps to the end; returns the number of steps. */
int small_run(LimTask *t, const LimExec *exec);
