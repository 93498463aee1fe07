-- What an entry holds besides: the roles that the person had then, and what a question about the audit trail asked for.
-- Entries from before have neither, and keep the bytes that were hashed of them (docs/audit-log.md).

alter table road.audit add column roles mejora.role[], add column asked jsonb;
