"""The FTPS server of erp-feeds, for those who host it: TLS on both channels, each login in its own folder.

It knows accounts and folders, and nothing of interfaces: what ERP parties place here is read by FTPS, as from
any other server.
"""

from erp_feeds.ftps_server.gate import Accounts, Limits
from erp_feeds.ftps_server.server import FtpsServer

__all__ = ["Accounts", "FtpsServer", "Limits"]
