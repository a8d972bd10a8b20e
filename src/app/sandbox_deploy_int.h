/* sandbox_deploy_int.h - what sandbox_deploy*.c share. Private to them. */
#ifndef GIRO_APP_SANDBOX_DEPLOY_INT_H
#define GIRO_APP_SANDBOX_DEPLOY_INT_H

#include "app/sandbox_deploy.h"

bool deploy_name_fits(struct str name); /* as in DEPLOY_NAME_BYTES_MAX; never a path */
void deploy_version_path(const struct sandbox *sandbox, const char *name, char path[SANDBOX_PATH_BYTES_MAX]);
int deploy_document_write(const struct sandbox *sandbox, const char *relative, struct str json,
                          struct message *message);
/* The members of a document of ours, as text; absent ones are empty. 0, -ENOENT, -errno. */
struct deploy_member {
    const char *name;
    char *text;
    size_t bytes;
};
int deploy_document_read(const struct sandbox *sandbox, const char *relative, const struct deploy_member *members,
                         size_t count) MUST_USE;
/* In place of a name: the supervisor publishes the program that it is. */
#define DEPLOY_WORD_RUNNING "running"
#define DEPLOY_REQUEST_FILE "run/deploy.request"
#define DEPLOY_ANSWER_FILE "run/deploy.answer"
int deploy_write(const struct sandbox *sandbox, const struct deploy_state *state, struct message *message);
/* Into var/versions/NAME, from an open file. As deploy_publish. */
int deploy_publish_open(const struct sandbox *sandbox, int from, char ret_name[DEPLOY_NAME_BYTES_MAX + 1],
                        struct message *message) MUST_USE;
/* (D3) Has the supervisor publish what runs, when nothing was published yet. As deploy_go_live. */
int deploy_keep_running(const struct sandbox *sandbox, struct message *message) MUST_USE;

#endif
