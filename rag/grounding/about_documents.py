"""Statements about the documents themselves: that they do not tell, that nothing was found."""

from __future__ import annotations

import re

_OPENER = (
    r"\W*(?:(?:but|however|unfortunately|(?:please )?note that|also|and|though|sorry|i'm sorry|i am sorry|"
    r"i apologi[sz]e|mais|cependant|toutefois|malheureusement|désolée?|à noter que|"
    r"notez que)\W+(?:but |mais )?)*"
)
_DOCUMENTS = (
    r"(?:passages?|documents?|documentation|texts?|contexts?|sources?|excerpts?|extracts?|articles?|"
    r"snippets?|"
    r"search results|information|data|evidence|records?|materials?|handbook)"
)
_TELL = (
    r"(?:mention|contain|provide|specify|state|say|include|give|indicate|address|discuss|cover|"
    r"answer|explain|"
    r"describe|tell|list|name|offer|clarify|detail|reveal)"
)
_ENGLISH = (
    # I could not find …; I don't know …; unable to answer …
    r"i (?:could(?: not|n't)|can(?:not| not|'t)|was (?:not able|unable)|am (?:not able|unable|not sure)|"
    r"do(?: not|n't) (?:have|know|see|find)|did(?: not|n't) (?:find|see)|have no|have not found|"
    r"found no)\b.*",
    r"(?:it is )?(?:unable|not able|impossible|not possible) to (?:answer|determine|find|say|tell|know)\b.*",
    # the passages do not mention …; none of the passages says …; the text is silent
    rf"(?:based on [^,]*, )?(?:the|these|this|those|none of the|no|neither|your|its) "
    rf"(?:\w+ ){{0,4}}?{_DOCUMENTS}"
    r"(?: (?:provided|given|above|available|supplied|here|themselves|itself|i have|in the \w+))* "
    rf"(?:(?:do|does|did)(?: not|n't)(?: \w+)? {_TELL}|(?:mention|contain|provide|say|give)s? (?:no|nothing)|"
    r"fails? to (?:mention|say|specify)|(?:is|are) (?:not clear|unclear|silent)|lacks?)\b.*",
    # there is no information about …; no information is given
    r"there (?:is|are|was|were) no (?:\w+ )?(?:mention|information|indication|reference|details?|answer)\b.*",
    r"no (?:\w+ )?(?:information|mention|details?|indication|answer) (?:\w+ ){0,6}?"
    r"(?:is|are|was|were|can be|could be) (?:given|provided|available|made|found|mentioned)\b.*",
    r"it is (?:not (?:clear|specified|stated|mentioned|known)|unclear|unknown)\b.*",
    # the price is not mentioned in the passages
    r"[^;]* (?:is|are|was|were)(?: not|n't) (?:\w+ )?(?:mentioned|specified|stated|provided|given|described|"
    rf"found|included|discussed)(?: \w+)? (?:in|by) (?:\w+ ){{0,4}}?{_DOCUMENTS}\b[^,;]*",
)
_TEXTES = (
    r"(?:extraits?|passages?|documents?|documentation|textes?|sources?|contexte|articles?|"
    r"informations?|données|"
    r"éléments?|résultats?|guide)"
)
_DISENT = (
    r"(?:mentionn|contien|précis|indiqu|donn|di[st]|trait|fourni|comport|permet|répond|parl|évoqu|"
    r"abord|spécifi|"
    r"décri|cit|expliqu)\w*"
)
_INFORMATION = r"(?:informations?|mentions?|indications?|précisions?|détails?|réponse)"
_FRENCH = (
    r"je (?:n'ai (?:pas|rien|aucune?)|ne (?:peux|sais|trouve|dispose|suis|vois|connais|parviens) "
    r"(?:pas|rien|aucune?)|n'arrive pas)\b.*",
    r"(?:il est )?impossible de (?:répondre|déterminer|savoir|dire)\b.*",
    rf"(?:d'après [^,]*, )?(?:les?|la|l'|ces?|cette|aucune? des?|aucune?|vos|"
    rf"votre)\s?(?:\w+ ){{0,3}}?{_TEXTES}"
    r"(?: (?:fourni|donné|disponible|cité|consulté|présenté)e?s?| ci-dessus| à ma disposition)* "
    rf"(?:ne |n')(?:l'|le |la |les |en |y )?{_DISENT}\b.*",
    rf"il n'(?:y a|est fait|existe) (?:pas|aucune?)\b[^,;]*\b{_INFORMATION}\b.*",
    rf"aucune? (?:\w+ )?(?:{_INFORMATION}|passage|document|extrait) (?:[^,;]* )?(?:n'est|n'a|ne|n'y)\b.*",
    r"il n'est pas (?:précisé|indiqué|possible de (?:dire|savoir|déterminer)|mentionné|clair)\b.*",
    r"[^;]* (?:n'est|ne sont|n'était) pas (?:\w+ )?(?:mentionn|précis|indiqu|spécifi|donn|fourni|décri)\w*"
    rf" (?:dans|par) (?:\w+ ){{0,3}}?{_TEXTES}\b[^,;]*",
)
_STATEMENTS = tuple(
    re.compile(_OPENER + f"(?:{statement})", re.IGNORECASE | re.DOTALL) for statement in (*_ENGLISH, *_FRENCH)
)


def speaks_of_the_documents(claim: str) -> bool:
    """Whether ``claim`` only says that the documents do not tell, or that the answer was not found.

    "The passages mention no limit" does; "there is no limit" and "the passage says 25 days" do not.
    """
    plain = claim.replace("’", "'")
    return any(pattern.fullmatch(plain) for pattern in _STATEMENTS)
