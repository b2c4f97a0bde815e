-- The brief's page: its Markdown, written from its JSON and one language's words.

-- Text as text: nothing that Markdown would take for a mark.
CREATE FUNCTION md(p_text text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN regexp_replace(p_text, '([\\`*_{}\[\]<>#|~&!]|^[-+])', '\\\1', 'g');
END $$;

-- One line of a list, of these parts, as far as it fits the page.
CREATE FUNCTION md_line(VARIADIC p_parts text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	v_line text := '- ' || array_to_string(p_parts, ' · ');
BEGIN
	RETURN CASE WHEN length(v_line) > 240 THEN rtrim(left(v_line, 239), '\') || '…' ELSE v_line END;
END $$;

-- "Title, Organization; …" of [{title, organization}]; NULL of none.
CREATE FUNCTION md_titles(p_titles jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT string_agg(md(concat_ws(', ', t->>'title', t->>'organization')), '; ')
		FROM jsonb_array_elements(p_titles) AS t);
END $$;

CREATE FUNCTION md_person(p jsonb, p_words jsonb, p_language text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN md_line(format('**%s**', md(p->>'name')),
		(SELECT string_agg(format('%s (%s)', md(n->>'text'), concat_ws(', ', p_words->>(n->>'kind'), md(n->>'system'))), ', ')
			FROM jsonb_array_elements(p->'names') AS n WHERE n->>'text' <> p->>'name'),
		coalesce(country_name(p->>'country', p_language), p_words->>'ours'), p_words->>(p->>'role'), md_titles(p->'titles'),
		CASE WHEN jsonb_array_length(p->'languages') > 0 THEN format('%s %s', p_words->>'speaks',
			(SELECT string_agg(l, ', ') FROM jsonb_array_elements_text(p->'languages') AS l)) END,
		(p_words->>'last_on') || ' ' || (p->>'last_met_on'), md(p->>'notes'));
END $$;

CREATE FUNCTION md_event(p jsonb, p_words jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN md_line(format('%s **%s**', p->>'when', md(p->>'title')), p_words->>(p->>'kind'),
		CASE WHEN p->>'status' <> 'held' THEN p_words->>(p->>'status') END, md(p->>'location'),
		(SELECT string_agg(md(n->>'name') || coalesce(' (' || md_titles(n->'titles') || ')', ''), ', ')
			FROM jsonb_array_elements(p->'participants') AS n),
		md(p->>'readout'));
END $$;

CREATE FUNCTION md_party(p jsonb, p_language text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN md(coalesce(brief_cut(p->>'name', 80), country_name(p->>'country', p_language)));
END $$;

CREATE FUNCTION md_commitment(p jsonb, p_words jsonb, p_language text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN md_line(md(p->>'text'), md_party(p->'by', p_language), CASE
		WHEN (p->>'overdue')::boolean THEN format('**%s** %s', p_words->>'overdue', p->>'due_on')
		ELSE (p_words->>'due') || ' ' || (p->>'due_on') END);
END $$;

CREATE FUNCTION md_concern(p jsonb, p_words jsonb, p_language text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN md_line(md(p->>'text'), md_party(p->'by', p_language),
		format(p_words->>CASE p->>'times_raised' WHEN '1' THEN 'raised_once' ELSE 'raised' END, p->>'times_raised',
			p->>'last_raised_on'));
END $$;

-- A heading, its lines, and how many more there are; what has no lines says so.
CREATE FUNCTION md_section(p_heading text, p_lines text, p_more text, p_words jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN format(E'\n## %s\n\n%s\n', p_heading, coalesce(p_lines, '- ' || (p_words->>'none')))
		|| CASE WHEN p_more::int > 0 THEN format(E'- %s\n', format(p_words->>'more', p_more)) ELSE '' END;
END $$;

CREATE FUNCTION brief_markdown(p jsonb, w jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_language text := p->>'language';
	v_way record;
	v_page text := format(E'# %s: %s\n\n%s %s\n', w->>'brief', md(p #>> '{subject,title}'), w->>'as_of', p->>'as_of');
BEGIN
	IF p->'engagement' <> 'null' THEN
		v_page := v_page || format(E'\n%s\n', md_event((p->'engagement') - 'participants' || '{"participants": []}', w));
	END IF;
	IF p->'cadence' <> 'null' THEN
		v_page := v_page || format(E'\n%s: %s\n', w->>'cadence', md(brief_cut(CASE jsonb_typeof(p->'cadence') WHEN 'object'
			THEN (SELECT string_agg(concat_ws(' ', key, value), ', ') FROM jsonb_each_text(p->'cadence') WHERE value IS NOT NULL)
			ELSE p->>'cadence' END, 160)));
	END IF;
	v_page := v_page || CASE WHEN jsonb_array_length(p #> '{agenda,items}') > 0 THEN md_section(w->>'agenda',
			(SELECT string_agg('- ' || md(i), E'\n') FROM jsonb_array_elements_text(p #> '{agenda,items}') AS i),
			p #>> '{agenda,more}', w) ELSE '' END
		|| md_section(w->>'people', (SELECT string_agg(md_person(i, w, v_language), E'\n')
			FROM jsonb_array_elements(p #> '{people,items}') AS i), p #>> '{people,more}', w)
		|| md_section(w->>'last', (SELECT string_agg(md_event(i, w), E'\n') FROM jsonb_array_elements(p->'last') AS i), '0', w)
		|| md_section(w->>'next', (SELECT string_agg(md_event(i, w), E'\n') FROM jsonb_array_elements(p->'next') AS i), '0', w);
	FOR v_way IN SELECT * FROM (VALUES ('they_owe', 'they_raised', 'theirs'), ('we_owe', 'we_raised', 'ours'))
		AS ways(owe, raised, way) LOOP
		v_page := v_page || md_section(w->>v_way.owe, (SELECT string_agg(md_commitment(i, w, v_language), E'\n')
				FROM jsonb_array_elements(p #> ARRAY['commitments', v_way.way, 'items']) AS i),
			p #>> ARRAY['commitments', v_way.way, 'more'], w)
			|| md_section(w->>v_way.raised, (SELECT string_agg(md_concern(i, w, v_language), E'\n')
				FROM jsonb_array_elements(p #> ARRAY['concerns', v_way.way, 'items']) AS i),
			p #>> ARRAY['concerns', v_way.way, 'more'], w);
	END LOOP;
	v_page := v_page || md_section(w->>'workstreams', (SELECT string_agg(format('- %s %s · %s %s', i->>'code', md(i->>'title'),
			w->>'last_on', i->>'last_on'), E'\n') FROM jsonb_array_elements(p #> '{workstreams,items}') AS i),
		p #>> '{workstreams,more}', w);
	RETURN v_page || CASE WHEN jsonb_array_length(p #> '{notes,items}') > 0 THEN md_section(w->>'notes',
		(SELECT string_agg('- ' || md(i->>'text'), E'\n') FROM jsonb_array_elements(p #> '{notes,items}') AS i),
		p #>> '{notes,more}', w) ELSE '' END;
END $$;
