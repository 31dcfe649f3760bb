"""What only the doctor asks the database."""

from __future__ import annotations

LOG_AHEAD = """
SELECT coalesce((SELECT e.tx::text::bigint FROM runtime.events e ORDER BY e.tx DESC, e.seq DESC LIMIT 1), 0),
       coalesce((SELECT max(c.tx)::text::bigint FROM runtime.consumers c), 0),
       coalesce((SELECT e.tx::text::bigint FROM inventory.entries e ORDER BY e.tx DESC, e.seq DESC LIMIT 1), 0),
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""
"""The newest transaction that the event log, its cursors and the stock ledger know, and the first that the server has not given
out yet."""

BURN = """
DO $$ BEGIN FOR i IN 1..{count} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$
"""
"""Uses up that many transaction numbers, some half a million in a second."""

STALLED_JOBS = """
SELECT j.task_name, count(*) AS jobs
FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
WHERE j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat < now() - interval '1 minute')
GROUP BY j.task_name ORDER BY j.task_name
"""

WAITING_JOBS = """
SELECT j.task_name, count(*) AS jobs
FROM procrastinate_jobs j
WHERE j.status = 'todo' AND coalesce(j.scheduled_at, '-infinity') < now() - interval '10 minutes'
  AND EXISTS (SELECT FROM procrastinate_events e WHERE e.job_id = j.id AND e.at < now() - interval '10 minutes')
GROUP BY j.task_name ORDER BY j.task_name
"""

FAILED_JOBS = """
SELECT j.task_name, count(*) AS jobs
FROM procrastinate_jobs j WHERE j.status = 'failed' GROUP BY j.task_name ORDER BY j.task_name
"""

STANDING_IMPORTS = """
SELECT id, file_name, position, moved_at FROM imports.runs
WHERE state = 'running' AND moved_at < now() - interval '10 minutes' ORDER BY moved_at LIMIT 20
"""

FACTS = """
SELECT current_setting('server_version') AS version, pg_size_pretty(pg_database_size(current_database())) AS size,
       current_setting('fsync')::bool AND current_setting('full_page_writes')::bool AS durable,
       current_setting('synchronous_commit') <> 'off' AS acknowledged_is_written
"""
