"""Regular forms of English and French words, so that a lexicon row need name a word only once."""

from __future__ import annotations

from collections.abc import Callable

_VOWELS = "aeiou"

_IRREGULAR_EN = {
    row.split()[0]: row.split()
    for row in """
    begin begins began begun beginning
    get gets got got getting
    give gives gave given giving
    keep keeps kept kept keeping
    make makes made made making
    take takes took taken taking
    hold holds held held holding
    buy buys bought bought buying
    choose chooses chose chosen choosing
    build builds built built building
    send sends sent sent sending
    find finds found found finding
    leave leaves left left leaving
    lose loses lost lost losing
    pay pays paid paid paying
    win wins won won winning
    say says said said saying
    tell tells told told telling
    show shows showed shown showing
    speak speaks spoke spoken speaking
    write writes wrote written writing
    rise rises rose risen rising
    fall falls fell fallen falling
    grow grows grew grown growing
    sell sells sold sold selling
    set sets set set setting
    put puts put put putting
    let lets let let letting
    meet meets met met meeting
    run runs ran run running
    lead leads led led leading
    bring brings brought brought bringing
    teach teaches taught taught teaching
    understand understands understood understood understanding
    know knows knew known knowing
    see sees saw seen seeing
    go goes went gone going
    come comes came come coming
    become becomes became become becoming
    do does did done doing
    have has had had having
    shut shuts shut shut shutting
    hide hides hid hidden hiding
    forget forgets forgot forgotten forgetting
    spend spends spent spent spending
    withdraw withdraws withdrew withdrawn withdrawing
    forbid forbids forbade forbidden forbidding
    break breaks broke broken breaking
    permit permits permitted permitted permitting
    occur occurs occurred occurred occurring
    prefer prefers preferred preferred preferring
    refer refers referred referred referring
    plan plans planned planned planning
    stop stops stopped stopped stopping
    ban bans banned banned banning
    drop drops dropped dropped dropping
    submit submits submitted submitted submitting
    admit admits admitted admitted admitting
    commit commits committed committed committing
    omit omits omitted omitted omitting
    transfer transfers transferred transferred transferring
    transmit transmits transmitted transmitted transmitting
    control controls controlled controlled controlling
    cancel cancels cancelled cancelled cancelling
    recur recurs recurred recurred recurring
    regret regrets regretted regretted regretting
    wrap wraps wrapped wrapped wrapping
    enrol enrols enrolled enrolled enrolling
    quit quits quit quit quitting
    split splits split split splitting
    unwrap unwraps unwrapped unwrapped unwrapping
    cut cuts cut cut cutting
    hinder hinders hindered hindered hindering
    seek seeks sought sought seeking
    withhold withholds withheld withheld withholding
    repel repels repelled repelled repelling
    log logs logged logged logging
    unplug unplugs unplugged unplugged unplugging
    lend lends lent lent lending
    think thinks thought thought thinking
    wear wears wore worn wearing
    draw draws drew drawn drawing
    """.strip().splitlines()
}


def english_verb(verb: str) -> list[str]:
    """Base, third person, past, participle and -ing of ``verb``, whose first word is inflected."""
    head, _, rest = verb.partition(" ")
    forms = _IRREGULAR_EN.get(head) or _regular_english_verb(head)
    return [f"{form} {rest}" if rest else form for form in forms]


def _regular_english_verb(verb: str) -> list[str]:
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        return [verb, verb[:-1] + "ies", verb[:-1] + "ied", verb[:-1] + "ied", verb + "ing"]
    third = verb + ("es" if verb.endswith(("s", "x", "z", "ch", "sh")) else "s")
    if verb.endswith("e"):
        stem = verb if verb.endswith("ee") else verb[:-1]
        return [verb, third, verb + "d", verb + "d", stem + "ing"]
    return [verb, third, verb + "ed", verb + "ed", verb + "ing"]


def english_noun(noun: str) -> list[str]:
    """Singular and plural of ``noun``, whose last word is inflected."""
    if noun.endswith("y") and noun[-2] not in _VOWELS:
        return [noun, noun[:-1] + "ies"]
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return [noun, noun + "es"]
    return [noun, noun.replace("person", "people") if noun.endswith("person") else noun + "s"]


_SECOND_GROUP = frozenset(
    "finir choisir définir fournir établir garantir réunir affaiblir élargir ralentir avertir "
    "raccourcir".split()
)


def french_verb(verb: str) -> list[str]:
    """Forms of a verb, whose first word is inflected; of an irregular one the infinitive, then empty ones."""
    head, _, rest = verb.partition(" ")
    if head.endswith("er"):
        forms = _french_er(head)
    elif head in _SECOND_GROUP:
        forms = _french_ir(head)
    else:
        forms = [head, *[""] * 13]
    return [f"{form} {rest}" if rest and form else form for form in forms]


def _french_er(verb: str) -> list[str]:
    stem = verb[:-2]
    soft = stem + "e" if stem.endswith("g") else stem[:-1] + "ç" if stem.endswith("c") else stem
    open_stem = stem
    if len(stem) > 2 and stem[-2] == "é" and stem[-1] not in "aeiouéè":
        open_stem = stem[:-2] + "è" + stem[-1]
    future = verb
    if stem.endswith(("oy", "uy")):
        open_stem = stem[:-1] + "i"
        future = open_stem + "er"
    present = [open_stem + "e", open_stem + "ent", stem + "ez", soft + "ons"]
    participles = [stem + "é", stem + "ée", stem + "és", stem + "ées", soft + "ant"]
    return [verb, *present, *participles, future + "a", future + "ont", soft + "ait", soft + "aient"]


def _french_ir(verb: str) -> list[str]:
    stem = verb[:-1]
    present = [stem + "t", stem + "ssent", stem + "ssez", stem + "ssons"]
    participles = [stem, stem + "e", stem + "s", stem + "es", stem + "ssant"]
    return [verb, *present, *participles, verb + "a", verb + "ont", stem + "ssait", stem + "ssaient"]


def french_noun(noun: str) -> list[str]:
    """Singular and plural of ``noun``, whose first word is inflected."""
    head, _, rest = noun.partition(" ")
    if head.endswith(("s", "x", "z")):
        plural = head
    elif head.endswith(("eau", "eu")):
        plural = head + "x"
    elif head.endswith("al"):
        plural = head[:-1] + "ux"
    else:
        plural = head + "s"
    return [f"{form} {rest}" if rest else form for form in (head, plural)]


_FRENCH_FEMININES = (
    ("eux", "euse"),
    ("if", "ive"),
    ("el", "elle"),
    ("en", "enne"),
    ("er", "ère"),
    ("et", "ète"),
    ("e", "e"),
    ("", "e"),
)


def french_adjective(adjective: str) -> list[str]:
    """Masculine and feminine, singular and plural."""
    ending, feminine_ending = next(row for row in _FRENCH_FEMININES if adjective.endswith(row[0]))
    feminine = adjective[: len(adjective) - len(ending)] + feminine_ending
    plural = french_noun(adjective)[1]
    return [adjective, feminine, plural, feminine + "s"]


def _as_it_is(expression: str) -> list[str]:
    return [expression]


INFLECTIONS: dict[tuple[str, str], Callable[[str], list[str]]] = {
    ("en", "v"): english_verb,
    ("en", "n"): english_noun,
    ("fr", "v"): french_verb,
    ("fr", "n"): french_noun,
    ("fr", "a"): french_adjective,
}


def forms(expression: str, language: str, word_class: str) -> list[str]:
    """The forms of ``expression``, in an order that is the same for all words of a class."""
    return INFLECTIONS.get((language, word_class), _as_it_is)(expression)
