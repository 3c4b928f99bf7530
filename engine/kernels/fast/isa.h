/* What differs between the instruction sets that this folder is compiled for. Each source is
 * compiled once per set with -DLIM_ISA=portable|avx2|avx512, so every symbol that leaves a file
 * carries the set's name: LIM_FN(foo) is foo_avx2 and so on, and the headers of this folder let foo
 * stand for it. */
#pragma once

#include "kernels/kernels.h"

#define LIM_PASTE_(a, b) a##_##b
#define LIM_PASTE(a, b)  LIM_PASTE_(a, b)
#define LIM_FN(name)     LIM_PASTE(name, LIM_ISA)
#define LIM_TEXT_(a)     #a
#define LIM_TEXT(a)      LIM_TEXT_(a)
#define LIM_ISA_NAME     LIM_TEXT(LIM_ISA)
