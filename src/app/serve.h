/* serve.h - `giro serve --config FILE`: the daemon, in the foreground until SIGTERM or SIGINT. */
#ifndef GIRO_APP_SERVE_H
#define GIRO_APP_SERVE_H

/* argv[0] is "serve". Exit code of the contract: 0 ended when asked, 1 failed, 2 usage, 7 an address or the store is in
 * use. Writes one byte to descriptor 3 (if it is open) once it answers. */
int serve_main(int argc, char **argv);

#endif
