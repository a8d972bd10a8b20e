/* exit_code.h - how every subcommand ends (the contract's numbers). */
#ifndef GIRO_APP_EXIT_CODE_H
#define GIRO_APP_EXIT_CODE_H

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_ABSENT = 3,
    EXIT_PROOF_FAILED = 4,
    EXIT_CONFLICT = 5,
    EXIT_DENIED = 6,
    EXIT_UNAVAILABLE = 7,
};

#endif
