-- What a scrape of metrics asks of the database.

CREATE FUNCTION metrics_reminders(p_caller uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN (SELECT jsonb_object_agg(s.state, coalesce(c.count, 0))
		FROM unnest(ARRAY['pending', 'due', 'acknowledged', 'done', 'cancelled', 'failed']) AS s(state)
		LEFT JOIN (SELECT CASE WHEN status = 'pending' AND due_at <= clock_timestamp() THEN 'due' ELSE status END AS state,
				count(*) AS count FROM store.reminder GROUP BY 1) AS c USING (state));
END $$;
