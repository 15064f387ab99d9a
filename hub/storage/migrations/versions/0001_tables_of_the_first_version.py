"""tables of the first version. Forward only: to undo, write the next one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("request_number", start=1)))
    op.create_table('account',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('identifier', sa.Text(), nullable=True, comment='5 digits, of a local account'),
    sa.Column('national_id', sa.Text(), nullable=True, comment='prefix and number, verified'),
    sa.Column('practitioner', sa.Text(), nullable=True, comment='Practitioner id'),
    sa.Column('civility', sa.Text(), server_default='', nullable=False),
    sa.Column('given', sa.Text(), server_default='', nullable=False, comment='civil first name'),
    sa.Column('family', sa.Text(), server_default='', nullable=False, comment='civil name'),
    sa.Column('email', sa.Text(), server_default='', nullable=False),
    sa.Column('email_confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('mobile', sa.Text(), server_default='', nullable=False, comment='private, for codes and notices; E.164'),
    sa.Column('mobile_confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('contact_phone', sa.Text(), server_default='', nullable=False, comment='shown to colleagues'),
    sa.Column('state', sa.Text(), server_default='active', nullable=False, comment='active waiting closed'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('signed_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('account_pkey')),
    sa.UniqueConstraint('identifier', name=op.f('account_identifier_key'))
    )
    op.create_index('account_by_email', 'account', [sa.literal_column('lower(email)')], unique=False)
    op.create_index('account_by_national_id', 'account', ['national_id'], unique=False)
    op.create_table('account_review',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False, comment='several-accounts unverified-number'),
    sa.Column('national_id', sa.Text(), nullable=False),
    sa.Column('accounts', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('done_by', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('account_review_pkey'))
    )
    op.create_table('assertion',
    sa.Column('client', sa.Text(), nullable=False),
    sa.Column('jti', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('client', 'jti', name=op.f('assertion_pkey'))
    )
    op.create_index('assertion_by_expiry', 'assertion', ['expires_at'], unique=False)
    op.create_table('audit',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('viewer', sa.Text(), nullable=False),
    sa.Column('capacity', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=True),
    sa.Column('organization', sa.Text(), nullable=True),
    sa.Column('account', sa.Text(), nullable=True),
    sa.Column('client', sa.Text(), nullable=True),
    sa.Column('on_behalf_of', sa.Text(), nullable=True),
    sa.Column('request', sa.Text(), nullable=True),
    sa.Column('patient', sa.Text(), nullable=True),
    sa.Column('resource', sa.Text(), nullable=True),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('audit_pkey')),
    info={'sql': ("\nCREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$\nBEGIN\n    RAISE EXCEPTION 'rows of % are never changed nor removed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';\nEND\n$body$\n", 'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()')}
    )
    op.create_index('audit_by_patient', 'audit', ['patient', 'id'], unique=False)
    op.create_index('audit_by_request', 'audit', ['request', 'id'], unique=False)
    op.create_index('audit_by_time', 'audit', ['at', 'id'], unique=False)
    op.create_index('audit_by_viewer', 'audit', ['viewer', 'id'], unique=False)
    op.create_table('board',
    sa.Column('request', sa.Text(), nullable=False, comment='ServiceRequest id'),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('network', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('origin', sa.Text(), nullable=False),
    sa.Column('priority', sa.Text(), server_default='routine', nullable=False),
    sa.Column('care_type', sa.Text(), server_default='', nullable=False),
    sa.Column('kind', sa.Text(), server_default='', nullable=False),
    sa.Column('profession', sa.Text(), server_default='', nullable=False),
    sa.Column('commune', sa.Text(), server_default='', nullable=False),
    sa.Column('requester_name', sa.Text(), server_default='', nullable=False),
    sa.Column('patient', sa.Text(), nullable=False),
    sa.Column('patient_name', sa.Text(), server_default='', nullable=False),
    sa.Column('patient_phone', sa.Text(), server_default='', nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('performer', sa.Text(), nullable=True),
    sa.Column('performer_name', sa.Text(), server_default='', nullable=False),
    sa.Column('assignee', sa.Text(), nullable=True, comment='account of the operator who follows it'),
    sa.Column('wave', sa.Integer(), server_default='0', nullable=False),
    sa.Column('attempt', sa.Integer(), server_default='1', nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('response_due', sa.DateTime(timezone=True), nullable=False),
    sa.Column('appointment_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('words', sa.Text(), server_default='', nullable=False, comment='what a search by words looks in, folded'),
    sa.PrimaryKeyConstraint('request', name=op.f('board_pkey'))
    )
    op.create_index('board_by_due', 'board', ['response_due', 'request'], unique=False)
    op.create_index('board_by_state', 'board', ['state', 'response_due', 'request'], unique=False)
    op.create_table('client',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False, comment='sas or software'),
    sa.Column('organization', sa.Text(), nullable=True, comment='Organization id it speaks for'),
    sa.Column('role', sa.Text(), nullable=True, comment='PractitionerRole id it acts for'),
    sa.Column('certificate_subject', sa.Text(), nullable=True, comment='of its client certificate, RFC 4514'),
    sa.Column('thumbprint', sa.Text(), nullable=True, comment='SHA-256 of its client certificate, lower-case hexadecimal'),
    sa.Column('jwks', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('jwks_uri', sa.Text(), nullable=True),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('identity_trusted', sa.Boolean(), server_default='false', nullable=False, comment='its QUAL identities count as QUAL'),
    sa.Column('active', sa.Boolean(), server_default='true', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('client_pkey'))
    )
    op.create_index('client_by_thumbprint', 'client', ['thumbprint'], unique=False)
    op.create_table('filing',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('note', sa.Text(), nullable=False, comment='DocumentReference id'),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('patient', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('unique_id', sa.Text(), nullable=False, comment='XDS uniqueId and CDA id root'),
    sa.Column('set_id', sa.Text(), nullable=False, comment='CDA setId: the same for all versions of a note'),
    sa.Column('submission_id', sa.Text(), nullable=False),
    sa.Column('entry_uuid', sa.Text(), nullable=True, comment='given by the registry'),
    sa.Column('code', sa.Text(), nullable=True, comment='national code of the refusal'),
    sa.Column('french', sa.Text(), nullable=True),
    sa.Column('remedy', sa.Text(), nullable=True),
    sa.Column('asked_by', sa.Text(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('filing_pkey')),
    sa.UniqueConstraint('unique_id', name=op.f('filing_unique_id_key'))
    )
    op.create_index('filing_by_note', 'filing', ['note', 'id'], unique=False)
    op.create_index('filing_by_patient', 'filing', ['patient', 'id'], unique=False)
    op.create_table('grant',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('audience', sa.Text(), nullable=False, comment='role/…, account/…, client/…, operators/…, coordinators/…'),
    sa.Column('request', sa.Text(), nullable=True, comment="ServiceRequest id; empty for a grant on the patient's notebook"),
    sa.Column('patient', sa.Text(), nullable=True),
    sa.Column('level', sa.SmallInteger(), nullable=False, comment='1 outline, 2 full'),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True, comment='empty: no end'),
    sa.PrimaryKeyConstraint('id', name=op.f('grant_pkey')),
    sa.UniqueConstraint('audience', 'request', 'patient', name=op.f('grant_audience_request_patient_key'), postgresql_nulls_not_distinct=True)
    )
    op.create_index('grant_by_patient', 'grant', ['patient', 'audience'], unique=False)
    op.create_index('grant_by_request', 'grant', ['request', 'audience'], unique=False)
    op.create_table('inbox',
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('message_id', sa.Text(), nullable=False),
    sa.Column('answer', sa.LargeBinary(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('source', 'message_id', name=op.f('inbox_pkey'))
    )
    op.create_table('logout_token',
    sa.Column('issuer', sa.Text(), nullable=False),
    sa.Column('jti', sa.Text(), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('issuer', 'jti', name=op.f('logout_token_pkey'))
    )
    op.create_table('network',
    sa.Column('id', sa.Text(), nullable=False, comment='id of the Organization'),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('structure_id', sa.Text(), nullable=False, comment='national identifier of the structure, with its prefix'),
    sa.Column('phone', sa.Text(), server_default='', nullable=False),
    sa.Column('zone', sa.Text(), server_default='Europe/Paris', nullable=False),
    sa.Column('rules', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False, comment='opening hours, delays, waves: what differs from the defaults'),
    sa.Column('is_paused', sa.Boolean(), server_default='false', nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('network_pkey'))
    )
    op.create_table('outbox',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('lane', sa.Text(), nullable=True, comment='what must stay in order; empty: a lane of its own'),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('put_at', sa.DateTime(timezone=True), nullable=False, comment='hub clock'),
    sa.Column('first_due_at', sa.DateTime(timezone=True), nullable=False, comment='hub clock; give_up_after counts from here'),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False, comment='hub clock'),
    sa.Column('state', sa.Text(), server_default='waiting', nullable=False, comment='waiting, done, stopped'),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('lease', sa.Integer(), server_default='0', nullable=False, comment='fencing token: one more at each claim'),
    sa.Column('held_until', sa.DateTime(timezone=True), nullable=True, comment='clock of the database'),
    sa.Column('prepared', sa.LargeBinary(), nullable=True, comment='encrypted'),
    sa.Column('last_error', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True, comment='hub clock'),
    sa.PrimaryKeyConstraint('id', name=op.f('outbox_pkey'))
    )
    op.create_index('outbox_by_due', 'outbox', ['due_at', 'id'], unique=False, postgresql_where=sa.text("state = 'waiting'"))
    op.create_index('outbox_by_lane', 'outbox', ['lane', 'id'], unique=False, postgresql_where=sa.text("state = 'waiting'"))
    op.create_index('outbox_ended', 'outbox', ['state', 'ended_at'], unique=False)
    op.create_table('resource',
    sa.Column('key', sa.BigInteger(), sa.Identity(always=True), nullable=False, comment='stands for type and id in the indexes'),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False, comment='UTF-8 JSON as served; the last one before a deletion'),
    sa.Column('patient', sa.Text(), nullable=True, comment='Patient id that decides who sees it'),
    sa.Column('request', sa.Text(), nullable=True, comment='ServiceRequest id that decides who sees it'),
    sa.Column('owner', sa.Text(), nullable=True, comment='when set, only this audience sees it, and the operators of the request'),
    sa.Column('outline', sa.Boolean(), server_default='false', nullable=False, comment='something of it is seen at level outline'),
    sa.Column('deleted', sa.Boolean(), server_default='false', nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('resource_pkey')),
    sa.UniqueConstraint('type', 'id', name=op.f('resource_type_id_key'))
    )
    op.create_index('resource_by_patient', 'resource', ['patient', 'type'], unique=False)
    op.create_index('resource_by_request', 'resource', ['request', 'type'], unique=False)
    op.create_index('resource_by_type', 'resource', ['type', 'key'], unique=False)
    op.create_index('resource_by_update', 'resource', ['type', 'updated_at', 'key'], unique=False)
    op.create_table('setting',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('value', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('setting_pkey'))
    )
    op.create_table('sign_in_attempt',
    sa.Column('state_hash', sa.LargeBinary(), nullable=False),
    sa.Column('browser_hash', sa.LargeBinary(), nullable=False),
    sa.Column('nonce', sa.Text(), nullable=False),
    sa.Column('verifier', sa.LargeBinary(), nullable=False, comment='sealed'),
    sa.Column('return_to', sa.Text(), nullable=False),
    sa.Column('not_before', sa.DateTime(timezone=True), nullable=True, comment='auth_time asked for, when a fresh sign-in is wanted'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('state_hash', name=op.f('sign_in_attempt_pkey'))
    )
    op.create_table('agreement',
    sa.Column('network', sa.Text(), nullable=False),
    sa.Column('neighbour', sa.Text(), nullable=False, comment='may be asked in the last wave'),
    sa.ForeignKeyConstraint(['neighbour'], ['network.id'], name=op.f('agreement_neighbour_fkey')),
    sa.ForeignKeyConstraint(['network'], ['network.id'], name=op.f('agreement_network_fkey')),
    sa.PrimaryKeyConstraint('network', 'neighbour', name=op.f('agreement_pkey'))
    )
    op.create_table('audit_chain',
    sa.Column('position', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('audit', sa.BigInteger(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False, comment='SHA-256 of the digest before and of the row'),
    sa.ForeignKeyConstraint(['audit'], ['audit.id'], name=op.f('audit_chain_audit_fkey')),
    sa.PrimaryKeyConstraint('position', name=op.f('audit_chain_pkey')),
    sa.UniqueConstraint('audit', name=op.f('audit_chain_audit_key')),
    info={'sql': ("\nCREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$\nBEGIN\n    RAISE EXCEPTION 'rows of % are never changed nor removed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';\nEND\n$body$\n", 'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()')}
    )
    op.create_table('capacity',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('capacity', sa.Text(), nullable=False, comment='operator coordinator third-party administrator secretary'),
    sa.Column('organization', sa.Text(), nullable=True, comment='Organization id: the CPTS served, or the third party'),
    sa.Column('role', sa.Text(), nullable=True, comment='PractitionerRole acted for, of a secretary'),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account'], ['account.id'], name=op.f('capacity_account_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('capacity_pkey'))
    )
    op.create_index('capacity_by_account', 'capacity', ['account'], unique=False)
    op.create_index('capacity_by_organization', 'capacity', ['organization', 'capacity'], unique=False)
    op.create_table('coverage',
    sa.Column('commune', sa.Text(), nullable=False, comment='INSEE code'),
    sa.Column('network', sa.Text(), nullable=False),
    sa.Column('rank', sa.Integer(), server_default='1', nullable=False, comment='which network first, when several cover a commune'),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['network'], ['network.id'], name=op.f('coverage_network_fkey')),
    sa.UniqueConstraint('commune', 'network', name=op.f('coverage_commune_network_key'))
    )
    op.create_index('coverage_by_commune', 'coverage', ['commune', 'rank'], unique=False)
    op.create_table('index_date',
    sa.Column('key', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('parameter', sa.Text(), nullable=False),
    sa.Column('at_outline', sa.Boolean(), nullable=False),
    sa.Column('start_at', sa.BigInteger(), nullable=False, comment='microseconds since 1970, UTC, first instant'),
    sa.Column('end_at', sa.BigInteger(), nullable=False, comment='the first instant after'),
    sa.ForeignKeyConstraint(['key'], ['resource.key'], name=op.f('index_date_key_fkey'))
    )
    op.create_index('index_date_by_end', 'index_date', ['type', 'parameter', 'end_at'], unique=False)
    op.create_index('index_date_by_key', 'index_date', ['key', 'parameter'], unique=False)
    op.create_index('index_date_by_start', 'index_date', ['type', 'parameter', 'start_at'], unique=False)
    op.create_table('index_quantity',
    sa.Column('key', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('parameter', sa.Text(), nullable=False),
    sa.Column('at_outline', sa.Boolean(), nullable=False),
    sa.Column('low', sa.Numeric(), nullable=False),
    sa.Column('high', sa.Numeric(), nullable=False),
    sa.Column('system', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('unit', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['key'], ['resource.key'], name=op.f('index_quantity_key_fkey'))
    )
    op.create_index('index_quantity_by_key', 'index_quantity', ['key', 'parameter'], unique=False)
    op.create_index('index_quantity_by_low', 'index_quantity', ['type', 'parameter', 'low'], unique=False)
    op.create_table('index_reference',
    sa.Column('key', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('parameter', sa.Text(), nullable=False),
    sa.Column('at_outline', sa.Boolean(), nullable=False),
    sa.Column('target_type', sa.Text(), nullable=False, comment='empty for an absolute address'),
    sa.Column('target_id', sa.Text(), nullable=False, comment='an id, or the absolute address without its version'),
    sa.Column('target_version', sa.Text(), nullable=False, comment='of a canonical; empty without one'),
    sa.ForeignKeyConstraint(['key'], ['resource.key'], name=op.f('index_reference_key_fkey'))
    )
    op.create_index('index_reference_by_key', 'index_reference', ['key', 'parameter'], unique=False)
    op.create_index('index_reference_by_target', 'index_reference', ['type', 'parameter', 'target_id', 'target_type'], unique=False)
    op.create_table('index_text',
    sa.Column('key', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('parameter', sa.Text(), nullable=False),
    sa.Column('at_outline', sa.Boolean(), nullable=False),
    sa.Column('folded', sa.Text(), nullable=False, comment='without case, accents, punctuation'),
    sa.Column('exact', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['key'], ['resource.key'], name=op.f('index_text_key_fkey'))
    )
    op.create_index('index_text_by_key', 'index_text', ['key', 'parameter'], unique=False)
    op.create_index('index_text_by_value', 'index_text', ['type', 'parameter', 'folded'], unique=False, postgresql_ops={'folded': 'text_pattern_ops'})
    op.create_table('index_token',
    sa.Column('key', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('parameter', sa.Text(), nullable=False),
    sa.Column('at_outline', sa.Boolean(), nullable=False),
    sa.Column('system', sa.Text(), nullable=False, comment='empty when the element has none'),
    sa.Column('code', sa.Text(), nullable=False, comment='lower case for identifiers and contact points'),
    sa.ForeignKeyConstraint(['key'], ['resource.key'], name=op.f('index_token_key_fkey'))
    )
    op.create_index('index_token_by_key', 'index_token', ['key', 'parameter'], unique=False)
    op.create_index('index_token_by_system', 'index_token', ['type', 'parameter', 'system'], unique=False)
    op.create_index('index_token_by_value', 'index_token', ['type', 'parameter', 'code', 'system'], unique=False)
    op.create_table('one_time_code',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False, comment='sign-in email mobile link'),
    sa.Column('browser_hash', sa.LargeBinary(), nullable=True, comment='the browser that may give it'),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False, comment='where it was sent: confirmed with it'),
    sa.Column('code_hash', sa.LargeBinary(), nullable=False, comment='SHA-256 of id and code'),
    sa.Column('sealed', sa.LargeBinary(), nullable=True, comment='the code until it was sent'),
    sa.Column('subject', sa.Text(), nullable=True, comment='what it gives, for a link: the other account'),
    sa.Column('tries', sa.Integer(), server_default='0', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account'], ['account.id'], name=op.f('one_time_code_account_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('one_time_code_pkey'))
    )
    op.create_index('one_time_code_by_account', 'one_time_code', ['account', 'purpose', 'created_at'], unique=False)
    op.create_table('other_id',
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('origin', sa.Text(), server_default='', nullable=False),
    sa.ForeignKeyConstraint(['account'], ['account.id'], name=op.f('other_id_account_fkey')),
    sa.PrimaryKeyConstraint('account', 'value', name=op.f('other_id_pkey'))
    )
    op.create_index('other_id_by_value', 'other_id', ['value'], unique=False)
    op.create_table('resource_history',
    sa.Column('key', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=True, comment='empty for a deletion'),
    sa.ForeignKeyConstraint(['key'], ['resource.key'], name=op.f('resource_history_key_fkey')),
    sa.PrimaryKeyConstraint('key', 'version', name=op.f('resource_history_pkey'))
    )
    op.create_index('resource_history_by_update', 'resource_history', ['updated_at', 'key', 'version'], unique=False)
    op.create_table('sign_in_method',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False, comment='psc local'),
    sa.Column('issuer', sa.Text(), server_default='', nullable=False),
    sa.Column('subject', sa.Text(), nullable=False, comment='psc: SubjectNameID; local: the 5 digits'),
    sa.Column('sub', sa.Text(), server_default='', nullable=False, comment='technical subject of the issuer, last seen'),
    sa.Column('secret_hash', sa.Text(), nullable=True, comment='argon2id'),
    sa.Column('totp_secret', sa.LargeBinary(), nullable=True, comment='sealed'),
    sa.Column('totp_step', sa.BigInteger(), nullable=True, comment='last time step used: a TOTP code serves once'),
    sa.Column('tries', sa.Integer(), server_default='0', nullable=False, comment='failed since the last success'),
    sa.Column('closed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('code_tries', sa.Integer(), server_default='0', nullable=False, comment='of the second factor'),
    sa.Column('code_closed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account'], ['account.id'], name=op.f('sign_in_method_account_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('sign_in_method_pkey')),
    sa.UniqueConstraint('kind', 'issuer', 'subject', name=op.f('sign_in_method_kind_issuer_subject_key'))
    )
    op.create_index('sign_in_method_by_account', 'sign_in_method', ['account'], unique=False)
    op.create_table('situation',
    sa.Column('role', sa.Text(), nullable=False, comment='PractitionerRole id'),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False, comment='activity key (rpps.md 5.1)'),
    sa.Column('profession', sa.Text(), server_default='', nullable=False, comment='TRE_G15'),
    sa.Column('category', sa.Text(), server_default='', nullable=False, comment='TRE_R09'),
    sa.Column('title', sa.Text(), server_default='', nullable=False, comment='DR PR'),
    sa.Column('given', sa.Text(), server_default='', nullable=False, comment='names of exercise'),
    sa.Column('family', sa.Text(), server_default='', nullable=False),
    sa.Column('specialties', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False, comment='know-how codes'),
    sa.Column('structure_key', sa.Text(), server_default='', nullable=False),
    sa.Column('structure_id', sa.Text(), server_default='', nullable=False, comment='IDNST, with its prefix'),
    sa.Column('structure_name', sa.Text(), server_default='', nullable=False),
    sa.Column('organization', sa.Text(), nullable=True, comment='Organization id'),
    sa.Column('commune', sa.Text(), server_default='', nullable=False),
    sa.Column('mode', sa.Text(), server_default='', nullable=False),
    sa.Column('sector', sa.Text(), server_default='', nullable=False),
    sa.Column('role_code', sa.Text(), server_default='', nullable=False),
    sa.Column('kind', sa.Text(), server_default='', nullable=False),
    sa.Column('section', sa.Text(), server_default='', nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account'], ['account.id'], name=op.f('situation_account_fkey')),
    sa.PrimaryKeyConstraint('role', name=op.f('situation_pkey')),
    sa.UniqueConstraint('account', 'key', name=op.f('situation_account_key_key'))
    )
    op.create_table('browser_session',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False, comment='SHA-256 of the cookie'),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('means', sa.Text(), nullable=False, comment='psc local'),
    sa.Column('csrf', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=True, comment='situation chosen'),
    sa.Column('capacity', sa.BigInteger(), nullable=True, comment='capacity chosen'),
    sa.Column('issuer', sa.Text(), server_default='', nullable=False),
    sa.Column('sub', sa.Text(), server_default='', nullable=False),
    sa.Column('sid', sa.Text(), nullable=True, comment='session of the issuer'),
    sa.Column('acr', sa.Text(), nullable=True),
    sa.Column('auth_mode', sa.Text(), nullable=True),
    sa.Column('auth_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tokens', sa.LargeBinary(), nullable=True, comment='sealed JSON: refresh and id_token'),
    sa.Column('refresh_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('active_at', sa.DateTime(timezone=True), nullable=False, comment='last act of the person'),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False, comment='last time the issuer confirmed the session'),
    sa.Column('checking_until', sa.DateTime(timezone=True), nullable=True, comment='somebody is asking the issuer, or was told to wait'),
    sa.Column('is_unconfirmed', sa.Boolean(), server_default='false', nullable=False, comment='the issuer could not be reached'),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_why', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['account'], ['account.id'], name=op.f('browser_session_account_fkey')),
    sa.ForeignKeyConstraint(['capacity'], ['capacity.id'], name=op.f('browser_session_capacity_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('browser_session_pkey')),
    sa.UniqueConstraint('token_hash', name=op.f('browser_session_token_hash_key'))
    )
    op.create_index('browser_session_by_account', 'browser_session', ['account'], unique=False)
    op.create_index('browser_session_by_sid', 'browser_session', ['issuer', 'sid'], unique=False)
    op.create_index('browser_session_by_sub', 'browser_session', ['issuer', 'sub'], unique=False)
    op.create_table('candidate',
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('national_id', sa.Text(), nullable=True, comment='as Patient.generalPractitioner names a usual professional'),
    sa.Column('profession', sa.Text(), nullable=False, comment="code; a student's is another: 10/E"),
    sa.Column('specialties', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('commune', sa.Text(), nullable=False),
    sa.Column('longitude', sa.Float(), nullable=True),
    sa.Column('latitude', sa.Float(), nullable=True),
    sa.Column('network', sa.Text(), nullable=True),
    sa.Column('sas_networks', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('kinds', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('care_types', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('radius_km', sa.Integer(), nullable=False),
    sa.Column('max_open', sa.Integer(), nullable=True),
    sa.Column('absences', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['account'], ['account.id'], name=op.f('candidate_account_fkey')),
    sa.ForeignKeyConstraint(['role'], ['situation.role'], name=op.f('candidate_role_fkey')),
    sa.PrimaryKeyConstraint('role', name=op.f('candidate_pkey')),
    comment='one row a situation that may be asked: what the search for candidates needs, kept in step by workflows.accounts'
    )
    op.create_index('candidate_by_commune', 'candidate', ['profession', 'commune'], unique=False)
    op.create_index('candidate_by_national_id', 'candidate', ['national_id'], unique=False)
    op.create_index('candidate_by_network', 'candidate', ['profession', 'network'], unique=False)
    op.create_table('preference',
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('network', sa.Text(), nullable=True, comment='CPTS joined'),
    sa.Column('radius_km', sa.Integer(), nullable=False),
    sa.Column('kinds', postgresql.ARRAY(sa.Text()), nullable=False, comment='kinds of care taken'),
    sa.Column('care_types', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False, comment='care types taken; empty: all'),
    sa.Column('sas_networks', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False, comment='CPTS for which a SAS volunteer'),
    sa.Column('max_open', sa.Integer(), nullable=True),
    sa.Column('hours', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='hours for notices, as hub.domain.hours reads them; empty: any'),
    sa.Column('absences', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False, comment='[[from, until]] as dates, both included'),
    sa.Column('by_email', sa.Boolean(), server_default='true', nullable=False),
    sa.Column('by_sms', sa.Boolean(), server_default='true', nullable=False),
    sa.Column('addresses', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False, comment='places of practice; the first is where people go from'),
    sa.ForeignKeyConstraint(['role'], ['situation.role'], name=op.f('preference_role_fkey')),
    sa.PrimaryKeyConstraint('role', name=op.f('preference_pkey'))
    )
    op.execute("\nCREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$\nBEGIN\n    RAISE EXCEPTION 'rows of % are never changed nor removed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';\nEND\n$body$\n")
    op.execute('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()')
    op.execute("\nCREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$\nBEGIN\n    RAISE EXCEPTION 'rows of % are never changed nor removed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';\nEND\n$body$\n")
    op.execute('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()')
