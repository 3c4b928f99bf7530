/* At the side: what the truncation threshold trades (metrics/tradeoff.h), measured while nothing
 * else is computed. */
#pragma once

#include "panes/generate/part.h"
#include "widgets/lim-plot.h"

#define LIM_TYPE_GENERATE_TRADEOFF (lim_generate_tradeoff_get_type())
G_DECLARE_FINAL_TYPE(LimGenerateTradeoff, lim_generate_tradeoff, LIM, GENERATE_TRADEOFF,
                     LimGeneratePart)

LimPlot *lim_generate_tradeoff_get_plot(LimGenerateTradeoff *self); /* borrowed */
