"""Messages beyond prices: news, scanners, fundamentals."""

from ib_gateway.simulator.codec.layout import Field, Layout, Many
from ib_gateway.simulator.messages import replies as say
from ib_gateway.simulator.messages import requests as ask

REQUESTS: tuple[Layout, ...] = (Layout(85, ask.NewsProviders, ()),)

REPLIES: tuple[Layout, ...] = (Layout(85, say.NewsProviders, (Many("providers", None, (Field("code"), Field("name"))),)),)
