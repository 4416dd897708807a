"""``urllib2`` of Python 2."""

from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener, install_opener, urlopen

__all__ = ["HTTPCookieProcessor", "HTTPError", "ProxyHandler", "Request", "URLError", "build_opener", "install_opener",
           "quote", "unquote", "urlencode", "urlopen"]  # fmt: skip
