/* sandbox_software.h - software that may register itself with the sandbox (POST /register): its keys and certificates,
 * and the statement that the sandbox's directory signs about it. */
#ifndef GIRO_APP_SANDBOX_SOFTWARE_H
#define GIRO_APP_SANDBOX_SOFTWARE_H

#include "app/sandbox.h"

#define SANDBOX_DIRECTORY_ISSUER "Giro Sandbox Directory"
enum { SANDBOX_SOFTWARE_NAME_BYTES_MAX = 40 };

/* The directory's keys: var/pki/directory.key and directory.jwks; makes what is missing. Results as sandbox_pki_key. */
int sandbox_directory_open(const struct sandbox *sandbox, struct message *message) MUST_USE;

struct sandbox_software {
    const char *name;         /* letters, digits and '-' */
    const char *roles;        /* comma separated, of AISP, PISP, CBPII */
    const char *redirect_uri; /* https */
};
/* var/software/NAME/{transport,signing}.{key,pem}, statement.jwt (signed now) and software.json (software_id, org_id,
 * kid, redirect_uris, registration_endpoint, issuer). The same name gives the same software. 0; SANDBOX_E_INVALID with
 * a sentence; as sandbox_pki_key. */
int sandbox_software_issue(const struct sandbox *sandbox, const struct sandbox_software *software,
                           struct message *message) MUST_USE;

#endif
