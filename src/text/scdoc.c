/* Scdoc: every character that could be a mark is escaped, wherever it stands. */
#include "text/scdoc.h"

#include <string.h>

void scdoc_put_title(FILE *out, const char *name, int section, const char *version)
{
	fprintf(out, "%s(%d) \"tracktwo ", name, section);
	for (const char *at = version; *at; at++)
		if (*at != '"' && *at != '\n')
			fputc(*at, out);
	fputs("\"\n\n", out);
}

void scdoc_put_text(FILE *out, const char *text)
{
	for (const char *at = text; *at; at++) {
		if (strchr("\\*_#[|<.!+-", *at))
			fputc('\\', out);
		fputc(*at == '\n' ? ' ' : *at, out);
	}
}

void scdoc_put_entry(FILE *out, const char *name, const char *words, const char *help)
{
	fputc('*', out);
	scdoc_put_text(out, name);
	fputc('*', out);
	scdoc_put_text(out, words);
	fputc('\n', out);
	if (help) {
		fputc('\t', out);
		scdoc_put_text(out, help);
		fputc('\n', out);
	}
	fputc('\n', out);
}
