"""AdmittedUpgrade: an upgrade for which DeviceFactory makes a connection."""

from dataclasses import dataclass

from twisted.internet.interfaces import IAddress
from zope.interface import implementer

from vaultrelay.policy.access import ANONYMOUS, Admission
from vaultrelay.wire.upgrade import Upgrade


@implementer(IAddress)
@dataclass(frozen=True, slots=True)
class AdmittedUpgrade:
    """An upgrade and its admission, instead of the address of a connection."""

    upgrade: Upgrade
    admission: Admission = ANONYMOUS
