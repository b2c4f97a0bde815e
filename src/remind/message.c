/* Message: a reminder as mail, in the reader's language, and as a post.
 *
 * Mail passes through servers of others. Of a reminder about what is restricted or secret it says that there is one and
 * where to look, and nothing else; a post likewise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "text/icalendar.h"
#include "text/json.h"
#include "text/time.h"

enum { SUBJECT_BYTES = 120 };

struct words {
	const char *language; /* how tags of it begin */
	const char *discreet, *about, *due, *late, *escalation, *failure, *see, *done, *repeat;
};

/* The last is for every other language. */
static const struct words languages[] = {
    {"ko", "알림이 있습니다", "관련", "기한", "이 알림은 늦게 전달되었습니다.",
     "담당자가 아직 확인하지 않아 대신 알려 드립니다.", "담당자에게 전달하지 못해 대신 알려 드립니다.", "보기", "완료",
     "같은 알림이 두 번 오면 Message-ID가 같습니다."},
    {"", "A reminder is due", "About", "Due", "This reminder comes late.",
     "Nobody has acknowledged this reminder yet, so you are told of it.",
     "This reminder could not be delivered to its assignee, so you are told of it.", "To see it", "When it is done",
     "Should the same reminder come twice, it has the same Message-ID."},
};

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

static const struct words *words_of(const json_t *delivery)
{
	const char *language = text_of(json_object_get(json_object_get(delivery, "message"), "to"), "language");
	const struct words *words = languages;
	while (strncmp(words->language, language, strlen(words->language)) != 0)
		words++;
	return words;
}

/* The first line, cut between characters. */
static const char *first_line(struct arena *arena, const char *text)
{
	size_t length = strcspn(text, "\r\n");
	if (length <= SUBJECT_BYTES)
		return arena_copy(arena, text, length);
	length = SUBJECT_BYTES;
	while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
		length--;
	return arena_printf(arena, "%.*s…", (int)length, text);
}

static const char *to_do(struct arena *arena, const json_t *reminder)
{
	struct err err;
	struct icalendar_item item = {
	    .kind = ICALENDAR_TODO, .uid = text_of(reminder, "id"), .summary = text_of(reminder, "note"), .alarm = true};

	item.sequence = (long)json_integer_value(json_object_get(reminder, "version"));
	item.status = "NEEDS-ACTION";
	if (!time_parse_instant(text_of(reminder, "due_at"), &item.due_us, &err) ||
	    !time_parse_instant(text_of(reminder, "created_at"), &item.created_us, &err) ||
	    !time_parse_instant(text_of(reminder, "updated_at"), &item.updated_us, &err))
		return NULL;
	return icalendar_write(arena, &(struct icalendar_head){.method = "PUBLISH"}, &item, 1);
}

static void put_reason(FILE *out, const struct words *words, const char *reason, bool late)
{
	if (strcmp(reason, "escalation") == 0)
		fprintf(out, "%s\n\n", words->escalation);
	else if (strcmp(reason, "failure") == 0)
		fprintf(out, "%s\n\n", words->failure);
	else if (late)
		fprintf(out, "%s\n\n", words->late);
}

static const char *body_of(struct arena *arena, const json_t *delivery, const struct words *words, bool discreet)
{
	const json_t *reminder = json_object_get(delivery, "reminder"), *message = json_object_get(delivery, "message");
	const char *about = text_of(message, "about_title"), *id = text_of(reminder, "id");
	char *bytes;
	size_t length;
	FILE *out = open_memstream(&bytes, &length);

	if (!out)
		abort();
	put_reason(out, words, text_of(delivery, "reason"), json_is_true(json_object_get(reminder, "late")));
	fprintf(out, "%s\n\n", discreet ? words->discreet : text_of(reminder, "note"));
	if (*about && !discreet)
		fprintf(out, "%s: %s\n", words->about, about);
	fprintf(out, "%s: %s (%s)\n\n", words->due, text_of(message, "local_due"), text_of(message, "local_zone"));
	fprintf(out, "%s: tracktwo reminder get --id %s\n", words->see, id);
	fprintf(out, "%s: tracktwo reminder complete --id %s\n\n%s\n", words->done, id, words->repeat);
	if (fclose(out) != 0)
		abort();
	const char *text = arena_copy(arena, bytes, length);
	free(bytes);
	return text;
}

void message_of(struct arena *arena, const json_t *delivery, struct message *message)
{
	const json_t *given = json_object_get(delivery, "message"), *digest = json_object_get(given, "digest");
	const json_t *reminder = json_object_get(delivery, "reminder");
	const struct words *words = words_of(delivery);
	bool discreet = json_is_true(json_object_get(given, "discreet"));

	if (digest) {
		*message = (struct message){text_of(digest, "subject"), text_of(digest, "text"), NULL};
		return;
	}
	message->subject = discreet ? words->discreet : first_line(arena, text_of(reminder, "note"));
	message->text = body_of(arena, delivery, words, discreet);
	message->calendar = discreet ? NULL : to_do(arena, reminder);
}

const char *message_post(struct arena *arena, const json_t *delivery, int64_t now_us)
{
	char now[TIME_INSTANT_SIZE];
	const char *reason = text_of(delivery, "reason");
	json_t *reminder = json_object_get(delivery, "reminder"), *shown = reminder;

	time_format_instant(now_us, now);
	if (json_is_true(json_object_get(json_object_get(delivery, "message"), "discreet")))
		shown = json_pack("{s:O, s:O, s:O, s:O}", "id", json_object_get(reminder, "id"), "due_at",
		                  json_object_get(reminder, "due_at"), "status", json_object_get(reminder, "status"), "late",
		                  json_object_get(reminder, "late"));
	else
		json_incref(shown);
	json_t *post = json_pack(
	    "{s:s, s:s, s:{s:O, s:s, s:o}}", "type", strcmp(reason, "test") == 0 ? "test" : "reminder.due", "timestamp",
	    now, "data", "delivery_id", json_object_get(delivery, "delivery_id"), "reason", reason, "reminder", shown);
	const char *text = json_text(arena, post);
	json_decref(post);
	return text;
}
