/* One command for each attack of the list: `limen-cli attack deepfool` ..., with its own flags. */
#pragma once

#include "cli.h"

#define CLI_ATTACKS 16 /* at most */

/* Appends them to commands, which has room; returns how many. They live as long as the program. */
int cli_attack_commands(const CliCommand **commands);
