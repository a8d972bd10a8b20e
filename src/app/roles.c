#include "app/roles.h"

static const struct {
    const char *name;
    unsigned role;
} names[] = { { "gateway", ROLE_GATEWAY },
              { "auth", ROLE_AUTH },
              { "engine", ROLE_ENGINE },
              { "relay", ROLE_RELAY },
              { "jobs", ROLE_JOBS } };

static unsigned role_of(struct str name) {
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (str_equal_c(name, names[i].name)) return names[i].role;
    return 0;
}

/* Why these cannot run in one process, NULL when they can. */
static const char *judge(unsigned roles, const struct roles_context *context) {
    unsigned writes = ROLE_ENGINE | ROLE_RELAY | ROLE_JOBS;
    if ((roles & ROLE_AUTH) && !(roles & ROLE_GATEWAY))
        return "role auth answers behind the gateway's socket: give this process the role gateway too";
    if ((roles & writes) && (roles & writes) != writes)
        return "roles engine, relay and jobs run in one process: give it all three or none of them";
    if (!(roles & ROLE_ENGINE) && !context->several_nodes)
        return "an embedded store is one process's, so it wants the roles engine, relay and jobs; with store.kind "
               "postgres they may be another node's";
    if (!(roles & ROLE_ENGINE) && !context->linked)
        return "a node without the role engine forwards its commands: it wants node.certificate, node.key and "
               "node.trust";
    return NULL;
}

int roles_parse(struct str text, const struct roles_context *context, unsigned *ret_roles, struct message *message) {
    unsigned roles = text.len ? 0 : ROLES_ALL;
    struct str name;
    for (bool more = text.len > 0; more;) {
        more = str_cut(&text, ',', &name);
        name = str_trim(name);
        unsigned role = role_of(name);
        if (!role) {
            message_set(message, "roles: \"" STR_FMT "\" is none of gateway, auth, engine, relay, jobs",
                        STR_ARG(str_slice(name, 0, 32)));
            return err_origin(-EINVAL);
        }
        roles |= role;
    }
    const char *why = judge(roles, context);
    if (why) {
        message_set(message, "%s", why);
        return err_origin(-EINVAL);
    }
    *ret_roles = roles;
    return 0;
}
