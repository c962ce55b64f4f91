CREATE TABLE company (
    id integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    external_id text NOT NULL UNIQUE,
    name varchar(100) NOT NULL,
    created_at datetime_text NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at datetime_text NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE employee (
    id integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    company_id integer NOT NULL REFERENCES company (id) ON DELETE CASCADE,
    external_id text NOT NULL,
    name varchar(100) NOT NULL,
    phone text,
    salary real_decimal(12, 2) NOT NULL,
    type text NOT NULL DEFAULT 'staff',
    created_at datetime_text NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at datetime_text NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (company_id, external_id)
);
