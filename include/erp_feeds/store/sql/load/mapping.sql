-- Remember what a version of a mapping means, the first time that it fills a row.
-- In: merchant, interface, version, links (JSON). Out: mappings.
INSERT INTO mappings (merchant, interface, version, links)
VALUES ({merchant}, {interface}, {version}, {links}::jsonb)
ON CONFLICT DO NOTHING
