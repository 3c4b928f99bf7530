/* Classes as colours. Blue is lighter here than in the published set, to read black on it. */
#include "widgets/class-colors.h"

static const guint8 colors[LIM_CLASS_COLORS][3] = {
    {0xcc, 0x66, 0x77}, {0x66, 0x55, 0xbb}, {0xdd, 0xcc, 0x77}, {0x11, 0x77, 0x33},
    {0x88, 0xcc, 0xee}, {0x88, 0x22, 0x55}, {0x44, 0xaa, 0x99}, {0x99, 0x99, 0x33},
    {0xaa, 0x44, 0x99}, {0xbb, 0xbb, 0xbb},
};

void
lim_class_color(int k, double sure, double rgb[3])
{
    double part = 0.35 + 0.65 * CLAMP(sure, 0, 1);

    for (int i = 0; i < 3; i++)
        rgb[i] = 1 + part * (colors[k % LIM_CLASS_COLORS][i] / 255.0 - 1);
}
