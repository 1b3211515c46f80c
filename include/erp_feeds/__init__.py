"""erp-feeds: ERP exports on FTPS become clean profiles, orders, returns and price-list links."""
