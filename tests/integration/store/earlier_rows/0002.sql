INSERT INTO sightings (merchant, interface, name, size, modified, first_seen)
VALUES ('shop', 'srs_customers', 'Shop_SRS_Customers_00012.XML', 5, '2017-01-02Z', '2017-01-03Z'),
       ('shop', 'srs_customers', 'Shop_SRS_Customers_7.zip', 7, '2017-01-01Z', '2017-01-03Z');
