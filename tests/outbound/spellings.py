"""The ways to write one IPv4 address as the host of a URL."""

from collections.abc import Callable
from ipaddress import IPv4Address

SPELLINGS: dict[str, Callable[[IPv4Address], str]] = {
    "dotted": str,
    "decimal": lambda address: str(int(address)),
    "hexadecimal": lambda address: hex(int(address)),
    "hexadecimal, capitals": lambda address: f"0X{int(address):08X}",
    "octal": lambda address: f"0{int(address):o}",
    "octal parts": lambda address: ".".join(f"0{part:o}" for part in address.packed),
    "octal parts with zeros": lambda address: ".".join(f"{part:08o}" for part in address.packed),
    "hexadecimal parts": lambda address: ".".join(hex(part) for part in address.packed),
    "mixed parts": lambda address: "{}.0{:o}.{:#x}.{}".format(*address.packed),
    "two parts": lambda address: f"{address.packed[0]}.{int(address) & 0xFF_FFFF}",
    "three parts": lambda address: "{}.{}.{}".format(*address.packed[:2], int(address) & 0xFFFF),
    "two parts, hexadecimal": lambda address: f"{address.packed[0]:#x}.{int(address) & 0xFF_FFFF:#x}",
    "trailing dot": lambda address: f"{address}.",
    "full-width digits": lambda address: str(address).translate({48 + n: 0xFF10 + n for n in range(10)}),
    "circled digits": lambda address: str(address).translate({48: 0x24EA} | {48 + n: 0x245F + n for n in range(1, 10)}),
    "ideographic dots": lambda address: str(address).replace(".", "\u3002"),
    "mapped": lambda address: f"[::ffff:{address}]",
    "mapped, hexadecimal": lambda address: f"[0:0:0:0:0:FFFF:{int(address) >> 16:X}:{int(address) & 0xFFFF:X}]",
    "compatible": lambda address: f"[::{address}]",
    "translated": lambda address: f"[64:ff9b::{address}]",
    "6to4": lambda address: f"[2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::1]",
    "behind another name": lambda address: f"example.com@{address}",
    "behind another address": lambda address: f"8.8.8.8:80@{address}",
    "before a fragment": lambda address: f"{address}#@example.com",
    "before a path": lambda address: f"{address}/@example.com",
    "before a query": lambda address: f"{address}?@example.com/",
}
