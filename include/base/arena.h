/* Arena: memory that lives and dies together.
 *
 * A call, a parse or a start-up step owns one arena; everything it allocates is freed by one arena_release().
 * Nothing is freed singly. Allocation never fails: every size a client controls is limited before it gets here,
 * so running out of memory is the machine's fault, and the process aborts with a message. */
#ifndef TRACKTWO_BASE_ARENA_H
#define TRACKTWO_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

/* In place; all zero is a valid, empty arena that owns nothing yet. */
struct arena {
	struct arena_block *newest;
};

/* Frees every block. The arena is empty and usable again afterwards. */
void arena_release(struct arena *arena);

/* `size` zeroed bytes, aligned for any type; owned by the arena. size 0 gives a valid, unique pointer. */
void *arena_alloc(struct arena *arena, size_t size);

/* A zero-terminated copy of `length` bytes. */
char *arena_copy(struct arena *arena, const char *bytes, size_t length);

/* A zero-terminated copy of a string; NULL gives NULL. */
char *arena_strdup(struct arena *arena, const char *string);

/* printf into the arena. */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Bytes handed out so far, for tests and metrics. */
size_t arena_used(const struct arena *arena);

#endif
