"""Sentences of simple build, and the question each makes: one row a build, one table a language.

A row is a pattern with named parts and the question they make. Only builds are taken whose question is right
whatever stands in the parts: English modals and ``if`` need no agreement; French asks with ``que``, ``qui``,
``combien``, and with ``quel`` or ``quelle`` only where the article says which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from eval.generating.candidates import Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """One build of sentence.

    Attributes:
        pattern: of the whole sentence; has the group ``answer``, and groups that the question names.
        begins: the group that began the sentence and stands inside the question.
    """

    kind: Kind
    pattern: re.Pattern[str]
    question: str
    begins: str | None


def _build(kind: Kind, *pattern: str, question: str, begins: str | None = None) -> Build:
    return Build(kind=kind, pattern=re.compile(rf"^{''.join(pattern)}\.$"), question=question, begins=begins)


_NUMBER_EN = (
    r"(?:[£€$]?\d|one |two |three |four |five |six |seven |eight |nine |ten |twelve |half |about |up to |"
    r"at least |at most |less than |more than |between )"
)
_NUMBER_FR = (
    r"(?:\d|un |une |deux |trois |quatre |cinq |six |sept |huit |neuf |dix |douze |quinze |vingt |trente |"
    r"environ |au (?:moins|plus|maximum|minimum) |moins d|plus d|entre )"
)
_NO_SUBJECT_EN = (
    r"(?!(?:You|We|I|It|This|These|There|That|Nobody|None?|No|Some|Neither|The ones|One|Another|For|Without|"
    r"In|On|At|By|After|Before|During|From|With|To|As|Until|Unless|Under|While|Since|Because|Only|Where|When|If|Once|"
    r"Although|Though|How|What|Who|Why|Please|And|But|Or|So|\w+ing)\b)"
)
_SUBJECT_EN = _NO_SUBJECT_EN + r"[A-Z][^,;:()?]{2,60}?(?<!\byou)"
_THING_EN = r"(?:The|Our|Each|Every|An?) [^,;:()\"“?]{3,70}?"
_NAMED_FR = r"[^,;:()«»\"?]{2,70}?"
_THING_FR = rf"(?:L[ea] |L['’]|Une? ){_NAMED_FR}"
_ROLE = (  # who acts: a name with capitals, or a word for people with a task
    r"(?=[^,]*?(?:[a-z] [A-Z][a-z]|[Mm]anager|officer|desk|team|department|director|\blead\b|employer|"
    r"committee|board|agency|council|responsable|direction|service|employeur|comité|délégué|commission|équipe|"
    r"minist))(?![^,]* (?:is|are|was|will|has|est|sont|a|ont) )"
)
_ACTS_EN = (
    r"(?P<verb>approves|checks|decides|signs|publishes|keeps|reviews|manages|owns|pays|appoints|handles|leads|"
    r"maintains|oversees|provides|issues|writes|chooses|coordinates) (?P<rest>[^;:?]{12,110})"
)
_ACTS_FR = (
    r"(?P<verb>approuve|vérifie|décide|signe|publie|tient|gère|paie|nomme|traite|dirige|assure|fournit|délivre|"
    r"organise|rédige|choisit|coordonne|valide|contrôle|désigne|établit) (?P<rest>[^;:?]{12,110})"
)
_PARTICIPLE_EN = r"(?:\w{3,}(?:ed|en|wn|nt|ld|pt|ught)|made|done|put|set|cut|left|read|worn)\b"
_NOT_WHETHER = "".join(
    rf"(?<! {word})"
    for word in (
        *("ask", "asks", "see", "know", "check", "even", "only", "as", "and", "or", "sure", "is", "be"),
        *("decide", "out", "determine", "unsure", "whether"),
    )
)

BUILDS: Mapping[str, tuple[Build, ...]] = {
    "en": (
        _build(
            Kind.DEFINITION,
            _NO_SUBJECT_EN,
            r"(?P<np>(?:An? |The )?[A-Za-z][^,;:()\"“?]{2,50}?) (?:is|means|refers to|stands for) ",
            r"(?P<answer>(?:an?|any|the (?:process|practice|act|set|name|amount|time|person|people|part)) ",
            r".{25,})",
            question="what is {np}",
            begins="np",
        ),
        _build(
            Kind.FACT,
            rf"(?P<np>(?:The|Our) [^,;:()\"“?]{{3,60}}?) is (?P<answer>{_NUMBER_EN}.{{2,90}})",
            question="what is {np}",
            begins="np",
        ),
        _build(
            Kind.FACT,
            rf"(?P<np>{_THING_EN}) costs (?P<answer>{_NUMBER_EN}.{{1,60}})",
            question="how much does {np} cost",
            begins="np",
        ),
        _build(
            Kind.FACT,
            rf"(?P<np>{_THING_EN}) (?:lasts|takes) (?P<answer>{_NUMBER_EN}.{{2,60}})",
            question="how long does {np} take",
            begins="np",
        ),
        _build(
            Kind.WHO,
            rf"(?P<answer>{_ROLE}(?:The|Your|An?) [^,;:()?]{{3,50}}?)(?<! also)(?<! then) {_ACTS_EN}",
            question="who {verb} {rest}",
        ),
        _build(
            Kind.CONDITION,
            r"If (?P<case>(?!possible|so|not|needed|necessary|yes|no)[^,;:?]{10,110}), (?P<answer>[^?]{15,})",
            question="what applies if {case}",
        ),
        _build(
            Kind.CONDITION,
            rf"(?P<answer>(?!Ask|Check|Decide|Find|See|Tell|Verify)[A-Z][^,;:?]{{15,120}}){_NOT_WHETHER} if ",
            r"(?P<case>[^,;:?]{10,110})",
            question="what applies if {case}",
        ),
        _build(
            Kind.CONDITION,
            r"(?P<case>(?:(?:Before|After)(?![^,]* (?:may|must|should|can|will|is|are|has|have) )|When|Once)",
            r" [^,;:?]{10,110}), (?P<answer>[^?]{15,})",
            question="what applies {case}",
            begins="case",
        ),
        _build(
            Kind.DUTY,
            rf"(?P<np>{_SUBJECT_EN}) (?P<modal>must|should|can|may|cannot) be ",
            rf"(?P<answer>{_PARTICIPLE_EN}[^?;]{{10,120}})",
            question="what {modal} be done with {np}",
            begins="np",
        ),
        _build(
            Kind.DUTY,
            rf"(?P<np>{_SUBJECT_EN}) (?P<modal>must|should|can|may) ",
            r"(?P<answer>(?!not |be |have |also |still |only )[a-z][^?;]{15,120})",
            question="what {modal} {np} do",
            begins="np",
        ),
    ),
    "fr": (
        _build(
            Kind.DEFINITION,
            rf"(?P<np>{_THING_FR}) (?:est|désigne|signifie) ",
            r"(?P<answer>(?:une? |l'ensemble |le fait |tout |toute ).{20,})",
            question="qu'est-ce que {np}",
            begins="np",
        ),
        _build(
            Kind.FACT,
            rf"Le (?P<np>{_NAMED_FR}) est (?:de |d'|fixé à |limité à )(?P<answer>{_NUMBER_FR}.{{2,90}})",
            question="quel est le {np}",
        ),
        _build(
            Kind.FACT,
            rf"La (?P<np>{_NAMED_FR}) est (?:de |d'|fixée à |limitée à )(?P<answer>{_NUMBER_FR}.{{2,90}})",
            question="quelle est la {np}",
        ),
        _build(
            Kind.FACT,
            rf"(?P<np>{_THING_FR}) coûte (?P<answer>{_NUMBER_FR}.{{1,60}})",
            question="combien coûte {np}",
            begins="np",
        ),
        _build(
            Kind.FACT,
            rf"(?P<np>{_THING_FR}) dure (?P<answer>{_NUMBER_FR}.{{2,60}})",
            question="combien de temps dure {np}",
            begins="np",
        ),
        _build(
            Kind.WHO,
            rf"(?P<answer>{_ROLE}(?:L[ea] |L['’]|Une? |Votre |Chaque ){_NAMED_FR}) {_ACTS_FR}",
            question="qui {verb} {rest}",
        ),
        _build(
            Kind.CONDITION,
            r"(?P<case>(?:Si (?!possible|besoin|nécessaire|oui|non)|S['’](?=il\b))[^,;:?]{8,110}), ",
            r"(?P<answer>[^?]{15,})",
            question="qu'est-il prévu {case}",
            begins="case",
        ),
        _build(
            Kind.CONDITION,
            r"En cas (?P<case>(?:de |d['’]|du |des )[^,;:?]{4,80}), (?P<answer>[^?]{15,})",
            question="qu'est-il prévu en cas {case}",
        ),
        _build(
            Kind.CONDITION,
            r"(?P<case>(?:Avant |Après |Lorsque |Lorsqu['’]|Dès que |",
            r"Pour (?!plus|des exemples|en savoir|toute question|info))[^,;:?]{12,110}), ",
            r"(?P<answer>[^?]{15,})",
            question="qu'est-il prévu {case}",
            begins="case",
        ),
        _build(
            Kind.DUTY,
            rf"(?P<np>(?:L[ea]s? |L['’]|Toute? |Chaque |Une? |Votre ){_NAMED_FR}) ",
            r"(?P<modal>doit|doivent|peut|peuvent) (?P<answer>(?!être |pas |avoir |pouvoir )",
            r"[a-zà-ÿ]+(?:er|ir|re|oir)\b[^?;]{8,120})",
            question="que {modal} faire {np}",
            begins="np",
        ),
    ),
}
