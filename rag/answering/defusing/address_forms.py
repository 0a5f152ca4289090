"""What an address looks like: every scheme, host, share, mail address, and the ways to hide one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import unquote

from rag.answering.defusing.glyphs import glyphs, read


class Kind(StrEnum):
    """What becomes of an address depends on it."""

    LINK = "link"
    PLAIN = "plain"
    PHONE = "phone"


class Address(NamedTuple):
    """Where an address stands in a word.

    A plain one is a mail address or a host's name, as handbooks are full of; a phone number's address ends
    before the number, which is ordinary text as soon as it stands alone.
    """

    start: int
    end: int
    kind: Kind


STARTS = ("http", "https", "hxxp", "hxxps", "ftp", "www", "mailto", "javascript", "citeturn")
"""A word's letters that are held back until it is clear what they begin."""

_SCHEMES = (
    " https? hxxps? h\\*\\*ps? ftps? sftp ftpes file data javascript jscript vbscript livescript"
    " mailto mocha skype facetime facetime-audio sip sips xmpp irc ircs whatsapp tg viber slack"
    " zoommtg zoomus msteams ms-[a-z-]+ search-ms shell smb cifs nfs afp dav davs webdav webdavs ssh"
    " telnet rlogin rsync git svn git\\+\\w+ svn\\+\\w+ ldaps? rtsp rtmp mms mmsh gopher gemini finger"
    " nntp nntps snews wais ws wss blob filesystem view-source about(?=:blank|:srcdoc)"
    " chrome(?:-extension)? moz-extension jar intent android-app itms(?:-\\w+)? itmss fb obsidian"
    " vscode(?:-insiders)? vscodium jetbrains evernote onenote magnet ed2k bitcoin ethereum litecoin"
    " monero geo comgooglemaps webcal webcals cid urn tftp redis rediss mongodb(?:\\+srv)? mysql"
    " postgres(?:ql)? jdbc amqp mqtt ipfs ipns nostr web\\+[a-z]+ x-[a-z-]+ wyciwyg mhtml sgnl link"
    " image xref include iframe app-settings googlechromes? microsoft-edge opera-http"
).split()
_HOSTED = r"[^\s<>\"`|«»\[\]]"
_GENERIC = (
    r"(?:xn--[a-z0-9-]+|com|net|org|info|biz|edu|gov|mil|int|arpa|pro|web|xxx|aero|asia|coop|museum|name"
    r"|shop|app|dev|page|cloud|online|site|store|tech|xyz|top|club|live|life|world|today|zone|agency|digital|media"
    r"|email|link|click|download|stream|loan|work|works|support|services?|solutions|systems|network|host|hosting"
    r"|website|space|press|news|blog|wiki|zip|mov|foo|icu|vip|win|bid|date|review|trade|party|science|racing|ninja"
    r"|guru|expert|center|company|group|team|studio|design|photos?|gallery|social|chat|games?|bank|money|finance"
    r"|fund|credit|loans|capital|insure|health|care|law|legal|tax|tel|mobi|jobs|travel|cat|post|bar|fit|fun|run"
    r"|rest|cam|cyou|monster|quest|sbs|beauty|hair|skin|autos|homes|boats|buzz|gdn|men|ooo|onion|local|localhost"
    r"|internal|intranet|lan|corp|google|microsoft|amazon|apple|рф|bitcoin|eth|example|test|invalid)"
)
_TLD = rf"(?:[a-z]{{2}}|{_GENERIC})"
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_NUMERIC = r"(?:\d{1,3}(?:\.\d{1,3}){3}|localhost)"
_BEGIN = r"(?<![^\W_])(?<!/)(?<![^\W_][._-])"
_HOST = rf"(?:{_LABEL}\.)+{_TLD}\.?(?![^\W_]|-\w)"
_ADDRESS = re.compile(
    rf"""
    (?P<link>
        (?:(?<![a-z0-9])[a-z][a-z0-9+.-]*)? : (?:/[/\\]+|\\+/[/\\]*) (?:\[[0-9a-f:.%]*\])? {_HOSTED}*
      | (?<![a-z0-9])[a-z][a-z0-9+.-]+ :\\\\ {_HOSTED}*
      | (?<![^\W_])(?:{"|".join(_SCHEMES)}) : (?=[\w/\\+%\#?.&@~\[]) {_HOSTED}+
      | (?<![^\W_])(?:image|figure|include|video|audio|link|xref) :: {_HOSTED}*
      | (?<![^\W_])(?:hxxps?|h\*\*ps?|h__ps?) {_HOSTED}* (?:\[?:\]?)? /* \S*
      | (?<![:\w/\\]) //+ (?: \w[\w-]*[.:@/\\] | \[ | localhost\b ) \S*?(?=[\s<>"`|«»]|$)
      | (?<=[\w]) // {_HOST} {_HOSTED}*
      | (?<![\\/:\w]) (?: [\\/]*\\[\\/]+ | [\\/]+\\[\\/]* ) (?: [\w.-]{{3,}} | [?.]\\ | [\w.-]{{2,}}[\\/@] )
        {_HOSTED}*
      | (?<![^\W_])www\d*\. {_HOSTED}*
      | {_BEGIN}{_HOST} (?::\d{{1,5}})? [/\\?\#] {_HOSTED}*
      | (?<=/)(?:{_LABEL}\.)+{_GENERIC}\.?(?![^\W_]|-\w) {_HOSTED}*
      | {_BEGIN}{_NUMERIC} (?::\d{{1,5}})? /(?!\d{{1,2}}\b) {_HOSTED}*
      | (?<=":)[/.\#] {_HOSTED}*
      | (?<![\w!])!(?:[\w./-]+\.(?:png|jpe?g|gif|svg|webp|bmp|ico))(?:\|[^!\s]*)?!
      | cite(?:turn\d+\w+?\d+)+
      | \b(?:url|src|href)\s*[(=]\s*["']?[/.\#\w]{_HOSTED}*
    )
  | (?P<plain>
        [\w.+%'’-]+@(?:{_LABEL}\.)+{_LABEL}
      | {_BEGIN}{_NUMERIC} :\d{{1,5}}\b
      | [@.]? {_BEGIN}{_HOST} (?::\d{{1,5}}\b)?
    )
  | (?P<phone> (?<![^\W_])(?:tel|sms|smsto|mmsto|fax|modem): (?=\S) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CODED = re.compile(r"%[0-9a-f]{2}|%u[0-9a-f]{4}|\\u\{?[0-9a-f]{4,6}\}?|\\x[0-9a-f]{2}", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
_CODE = re.compile(r"%u([0-9a-f]{4})|\\u\{?([0-9a-f]{4,6})\}?|\\x([0-9a-f]{2})", re.IGNORECASE)


def addresses_in(word: str) -> Iterator[Address]:
    """Every address in a word, in order; they do not overlap."""
    for match in _ADDRESS.finditer(word):
        yield Address(match.start(), match.end(), Kind(match.lastgroup or Kind.LINK))


def readings(word: str) -> set[str]:
    """The word with what percent signs, escapes and backslashes hide in clear; empty if they hide nothing.

    A backslash before a sign stands for itself, or makes the sign plain text.
    """
    clear = word
    for _ in range(3):
        if _CODED.search(clear):
            clear = _CODE.sub(lambda code: _character(next(filter(None, code.groups()))), clear)
            clear = unquote(clear, errors="replace")
    found = {clear, _ESCAPED.sub("", clear)}
    return {read(glyphs(text)) for text in found} - {word}


def _character(code: str) -> str:
    number = int(code, 16)
    return chr(number) if number < 0x110000 else ""
