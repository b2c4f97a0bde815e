-- Who makes a backup reads every row. The owner's logins are bound by row-level security as everybody is, so that no
-- statement of theirs reads people's data by accident; one that says that it makes a backup reads private notes, too. The
-- daemon's role is no member of the owner, and so cannot say it, whatever a function of the api is led to set.

SET LOCAL tracktwo.caller = '00000000-0000-0000-0000-000000000000';

ALTER POLICY own ON store.note USING (
	author_id::text = current_setting('tracktwo.caller', true)
	OR EXISTS (SELECT FROM store.note_reader r WHERE r.note_id = note.id
		AND r.principal_id::text = current_setting('tracktwo.caller', true))
	OR (current_setting('tracktwo.backup', true) = 'yes' AND pg_has_role(session_user, 'tracktwo_owner', 'MEMBER')));
