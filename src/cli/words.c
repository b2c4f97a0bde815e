/* Words: how people say what the vocabularies of the api call by a code. Their own table, because in a message such a
 * code is a word to be typed, which say() must not translate. */
#include "cli/words.h"

#include <string.h>

#include "text/language.h"

static const struct {
	const char *code, *english, *korean;
} words[] = {
    {"meeting", "meeting", "회동"},
    {"call", "call", "통화"},
    {"message", "message", "서신"},
    {"visit", "visit", "방문"},
    {"conference", "conference", "회의"},
    {"workshop", "workshop", "워크숍"},
    {"track2-session", "Track 2 session", "트랙 2 회의"},
    {"negotiation", "negotiation", "협상"},
    {"multilateral", "multilateral", "다자회의"},
    {"cultural-exchange", "cultural exchange", "문화 교류"},
    {"people-to-people", "people to people", "인적 교류"},
    {"family-reunion", "family reunion", "이산가족 상봉"},
    {"humanitarian", "humanitarian", "인도적 지원"},
    {"education", "education", "교육"},
    {"research", "research", "연구"},
    {"public-diplomacy", "public diplomacy", "공공외교"},
    {"media", "media", "언론"},
    {"other", "other", "기타"},
    {"tentative", "tentative", "잠정"},
    {"planned", "planned", "예정"},
    {"postponed", "postponed", "연기"},
    {"held", "held", "개최"},
    {"cancelled", "cancelled", "취소"},
};

const char *words_of(const char *code)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i].code, code) == 0)
			return strcmp(language_code(), "ko") == 0 ? words[i].korean : words[i].english;
	return code;
}

const char *words_deed(const char *method)
{
	static const char *const deeds[][2] = {
	    {"engagement.log", SAID("logged an engagement")},
	    {"engagement.update", SAID("changed an engagement")},
	    {"engagement.hold", SAID("recorded that it was held")},
	    {"engagement.void", SAID("declared an engagement void")},
	    {"contact.create", SAID("entered a contact")},
	    {"contact.update", SAID("changed a contact")},
	    {"organization.create", SAID("entered an organization")},
	    {"organization.update", SAID("changed an organization")},
	    {"dialogue.create", SAID("began a dialogue")},
	    {"dialogue.update", SAID("changed a dialogue")},
	    {"note.add", SAID("added a note")},
	    {"note.update", SAID("changed a note")},
	    {"commitment.create", SAID("recorded a commitment")},
	    {"commitment.update", SAID("changed a commitment")},
	    {"concern.raise", SAID("recorded a concern")},
	    {"concern.repeat", SAID("recorded a concern once more")},
	    {"concern.answer", SAID("recorded an answer to a concern")},
	    {"concern.update", SAID("changed a concern")},
	    {"reminder.create", SAID("set a reminder")},
	    {"reminder.update", SAID("changed a reminder")},
	    {"reminder.snooze", SAID("put a reminder off")},
	    {"reminder.complete", SAID("completed a reminder")},
	    {"reminder.cancel", SAID("cancelled a reminder")},
	    {"reminder.acknowledge", SAID("acknowledged a reminder")},
	    {"indicator.record", SAID("recorded an indicator's value")},
	    {"roadmap.revise", SAID("revised the roadmap")},
	    {"principal.create", SAID("entered one of our people")},
	    {"principal.update", SAID("changed one of our people")},
	    {"principal.retire", SAID("recorded that somebody leaves")},
	    {"change.undo", SAID("undid a change")},
	};
	for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
		if (strcmp(deeds[i][0], method) == 0)
			return say(deeds[i][1]);
	return method;
}
