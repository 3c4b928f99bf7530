/* A typeface of 5 x 7 dots with two rows for descenders, as pictures in the source: a sheet whose
 * rows and columns are not named is no use outside the program, and a font library would make its
 * bytes depend on the fonts of the machine. */
#include "tensor/glyphs.h"

#include <string.h>

/* Space to tilde, sixteen a band, six columns each. */
static const char bands[6][LIM_GLYPH_H][96] = {
    /* clang-format off */
    {
        "        #    # #   # #    #   ##  #  ##     #      #   #                                      #",
        "        #    # #   # #   #### ##  # #  #    #     #     #     #     #                         #",
        "        #         ##### # #      #  #  #         #       #  # # #   #                        # ",
        "        #          # #   ###    #    ##          #       #   ###  #####        ###          #  ",
        "        #         #####   # #  #    #  ##        #       #  # # #   #                      #   ",
        "                   # #  ####  #  ## #  #          #     #     #     #    ##          ##   #    ",
        "        #          # #    #   #  ##  ## #          #   #                  #          ##   #    ",
        "                                                                         #                     ",
        "                                                                                               ",
    },
    {
        " ###    #    ###  #####    #  #####   ##  #####  ###   ###                 #         #     ### ",
        "#   #  ##   #   #    #    ##  #      #        # #   # #   #  ##    ##     #           #   #   #",
        "#  ##   #       #   #    # #  ####  #        #  #   # #   #  ##    ##    #    #####    #      #",
        "# # #   #      #     #  #  #      # ####    #    ###   ####             #               #    # ",
        "##  #   #     #       # #####     # #   #   #   #   #     #  ##          #    #####    #    #  ",
        "#   #   #    #    #   #    #  #   # #   #   #   #   #    #   ##    ##     #           #        ",
        " ###   ###  #####  ###     #   ###   ###    #    ###   ##           #      #         #      #  ",
        "                                                                   #                           ",
        "                                                                                               ",
    },
    {
        " ###   ###  ####   ###  ####  ##### #####  ###  #   #  ###    ### #   # #     #   # #   #  ### ",
        "#   # #   # #   # #   # #   # #     #     #   # #   #   #      #  #  #  #     ## ## ##  # #   #",
        "# ### #   # #   # #     #   # #     #     #     #   #   #      #  # #   #     # # # # # # #   #",
        "# # # ##### ####  #     #   # ####  ####  # ### #####   #      #  ##    #     # # # #  ## #   #",
        "# ### #   # #   # #     #   # #     #     #   # #   #   #      #  # #   #     #   # #   # #   #",
        "#     #   # #   # #   # #   # #     #     #   # #   #   #   #  #  #  #  #     #   # #   # #   #",
        " #### #   # ####   ###  ####  ##### #      ###  #   #  ###   ##   #   # ##### #   # #   #  ### ",
        "                                                                                               ",
        "                                                                                               ",
    },
    {
        "####   ###  ####   #### ##### #   # #   # #   # #   # #   # #####  ###  #      ###    #        ",
        "#   # #   # #   # #       #   #   # #   # #   # #   # #   #     #  #    #        #   # #       ",
        "#   # #   # #   # #       #   #   # #   # #   #  # #   # #     #   #     #       #  #   #      ",
        "####  #   # ####   ###    #   #   # #   # # # #   #     #     #    #      #      #             ",
        "#     # # # # #       #   #   #   # #   # # # #  # #    #    #     #       #     #             ",
        "#     #  #  #  #      #   #   #   #  # #  # # # #   #   #   #      #        #    #             ",
        "#      ## # #   # ####    #    ###    #    # #  #   #   #   #####  ###      #  ###        #####",
        "                                                                                               ",
        "                                                                                               ",
    },
    {
        " #          #               #         ##        #       #      #  #      ##                    ",
        "  #         #               #        #          #                 #       #                    ",
        "       ###  ####   ####  ####  ###  ####   #### ####   ##     ##  #  #    #   ## #  ####   ### ",
        "          # #   # #     #   # #   #  #    #   # #   #   #      #  # #     #   # # # #   # #   #",
        "       #### #   # #     #   # #####  #    #   # #   #   #      #  ##      #   # # # #   # #   #",
        "      #   # #   # #     #   # #      #    #   # #   #   #      #  # #     #   # # # #   # #   #",
        "       #### ####   ####  ####  ###   #     #### #   #  ###     #  #  #   ###  # # # #   #  ### ",
        "                                              #             #  #                               ",
        "                                           ###               ##                                ",
    },
    {
        "                         #                                           #    #    #               ",
        "                         #                                          #     #     #              ",
        "####   #### # ##   #### ####  #   # #   # #   # #   # #   # #####   #     #     #    #         ",
        "#   # #   # ##  # #      #    #   # #   # #   #  # #  #   #    #   #      #      #  # # #      ",
        "#   # #   # #      ###   #    #   # #   # # # #   #   #   #   #     #     #     #      #       ",
        "#   # #   # #         #  #  # #   #  # #  # # #  # #  #   #  #      #     #     #              ",
        "####   #### #     ####    ##   ####   #    # #  #   #  #### #####    #    #    #               ",
        "#         #                                               #                                    ",
        "#         #                                            ###                                     ",
    },
    /* clang-format on */
};

/* The next character of a text: ASCII, '?' for anything else. Moves *text past it; 0 at the end. */
static char
next_char(const char **text)
{
    unsigned char c = (unsigned char)**text;

    if (!c)
        return 0;
    ++*text;
    if (c >= 0x80) /* one mark for all its bytes */
        while (((unsigned char)**text & 0xc0) == 0x80)
            ++*text;
    return c < ' ' || c > '~' ? '?' : (char)c;
}

int
lim_glyphs_width(const char *text, int scale)
{
    int n = 0;

    while (next_char(&text))
        n++;
    return n ? (n * LIM_GLYPH_W - 1) * scale : 0;
}

static void
draw_one(LimImageView dst, int x, int y, char c, int scale, const uint8_t rgba[4])
{
    int k = c - ' ';

    for (int row = 0; row < LIM_GLYPH_H; row++) {
        for (int column = 0; column < 5; column++) {
            if (bands[k / 16][row][k % 16 * LIM_GLYPH_W + column] != '#')
                continue;
            int x0 = x + column * scale, y0 = y + row * scale;
            int x1 = x0 + scale, y1 = y0 + scale;
            x0 = x0 < 0 ? 0 : x0;
            y0 = y0 < 0 ? 0 : y0;
            x1 = x1 > dst.w ? dst.w : x1;
            y1 = y1 > dst.h ? dst.h : y1;
            if (x0 < x1 && y0 < y1)
                lim_image_fill(lim_image_sub(dst, x0, y0, x1 - x0, y1 - y0), rgba);
        }
    }
}

void
lim_glyphs_draw(LimImageView dst, int x, int y, const char *text, int max_width, int scale,
                const uint8_t rgba[4])
{
    char c;

    for (int right = x + max_width; (c = next_char(&text)); x += LIM_GLYPH_W * scale) {
        if (x + (LIM_GLYPH_W - 1) * scale > right)
            break;
        draw_one(dst, x, y, c, scale, rgba);
    }
}
