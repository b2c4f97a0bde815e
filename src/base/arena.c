/* Arena: blocks in a list, the newest first; memory is handed out from the front of the newest block.
 *
 * Invariant: every block's `taken` is a multiple of the strictest alignment and at most its `size`. A request that
 * would waste much of the newest block gets a block of its own behind it. Under AddressSanitizer what was not handed
 * out is poisoned, so that an overrun within a block is found as one of malloc's would be. */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)0)
#endif

enum { BLOCK_MIN = 4000, BLOCK_MAX = 64 * 1024 };

struct arena_block {
	struct arena_block *older;
	size_t size, taken; /* of `bytes` */
	size_t used;        /* as asked for, without the gaps */
	_Alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *block_new(size_t size)
{
	struct arena_block *block = NULL;
	if (size <= PTRDIFF_MAX - sizeof *block)
		block = malloc(sizeof *block + size);
	if (!block) {
		log_error("", "out of memory: %zu bytes for an arena", size);
		abort();
	}
	*block = (struct arena_block){.size = size};
	ASAN_POISON_MEMORY_REGION(block->bytes, size);
	return block;
}

static struct arena_block *block_for(struct arena *arena, size_t size)
{
	struct arena_block *newest = arena->newest;
	if (newest && newest->size - newest->taken >= size)
		return newest;
	size_t usual = BLOCK_MIN;
	if (newest)
		usual = newest->size < BLOCK_MAX / 2 ? newest->size * 2 : BLOCK_MAX;
	if (newest && size > usual / 4) {
		struct arena_block *own = block_new(size);
		own->older = newest->older;
		newest->older = own;
		return own;
	}
	struct arena_block *block = block_new(size > usual ? size : usual);
	block->older = newest;
	arena->newest = block;
	return block;
}

static void *grab(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	size_t rounded = size ? size : 1;
	if (rounded <= SIZE_MAX - align)
		rounded = (rounded + align - 1) / align * align;
	struct arena_block *block = block_for(arena, rounded);
	unsigned char *bytes = block->bytes + block->taken;
	block->taken += rounded;
	block->used += size;
	ASAN_UNPOISON_MEMORY_REGION(bytes, size);
	return bytes;
}

void arena_release(struct arena *arena)
{
	while (arena->newest) {
		struct arena_block *block = arena->newest;
		arena->newest = block->older;
		ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
		free(block);
	}
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return memset(grab(arena, size), 0, size);
}

char *arena_copy(struct arena *arena, const char *bytes, size_t length)
{
	char *copy = grab(arena, length < SIZE_MAX ? length + 1 : length);
	if (length > 0)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	return copy;
}

char *arena_strdup(struct arena *arena, const char *string)
{
	return string ? arena_copy(arena, string, strlen(string)) : NULL;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	char draft[256];
	va_list again;
	va_copy(again, args);
	int length = vsnprintf(draft, sizeof draft, format, args);
	char *text = NULL;
	if (length < 0) {
		log_error("", "out of memory: cannot format a text for an arena");
		abort();
	}
	if ((size_t)length < sizeof draft) {
		text = arena_copy(arena, draft, (size_t)length);
	} else {
		text = grab(arena, (size_t)length + 1);
		vsnprintf(text, (size_t)length + 1, format, again);
	}
	va_end(again);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

size_t arena_used(const struct arena *arena)
{
	size_t used = 0;
	for (const struct arena_block *block = arena->newest; block; block = block->older)
		used += block->used;
	return used;
}
