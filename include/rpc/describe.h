/* Describe: what the daemon offers, written out from the method rows and the configuration table: the OpenRPC document
 * (https://spec.open-rpc.org, 1.3) and the manual pages (scdoc(5) source). Nothing is said here that a row does not
 * say. */
#ifndef TRACKTWO_RPC_DESCRIBE_H
#define TRACKTWO_RPC_DESCRIBE_H

#include <jansson.h>
#include <stdio.h>

#include "rpc/method.h"

/* The whole document; the caller owns it. Every named type reached from a row stands once under components.schemas;
 * parameters are by-name; the errors of API.md section 2 under components.errors. */
json_t *describe_openrpc(const struct registry *registry, const char *version);

/* JSON Schema (draft 7) of a type, named types as $ref; the caller owns it. */
json_t *describe_schema(const struct type *type);

/* tracktwod(8), in scdoc's language: options, every configuration key, every method with its parameters. */
void describe_manual(FILE *out, const struct registry *registry, const char *version);

/* tracktwo.conf(5) likewise, from the table of configuration keys. */
void describe_configuration(FILE *out, const char *version);

#endif
