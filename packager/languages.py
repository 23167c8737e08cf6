"""Languages: from the three letters of MP4 (ISO 639-2) to what manifests want (BCP 47, RFC 5646), and people."""

import re

UNDETERMINED = "und"

_TWO_LETTERS: dict[str, str] = dict(
    re.findall(
        "([a-z]{3}):([a-z]{2})",
        """
    aar:aa abk:ab afr:af aka:ak alb:sq amh:am ara:ar arg:an arm:hy asm:as ava:av ave:ae aym:ay aze:az bak:ba bam:bm
    baq:eu bel:be ben:bn bis:bi bod:bo bos:bs bre:br bul:bg bur:my cat:ca ces:cs cha:ch che:ce chi:zh chu:cu chv:cv
    cor:kw cos:co cre:cr cym:cy cze:cs dan:da deu:de div:dv dut:nl dzo:dz ell:el eng:en epo:eo est:et eus:eu ewe:ee
    fao:fo fas:fa fij:fj fin:fi fra:fr fre:fr fry:fy ful:ff geo:ka ger:de gla:gd gle:ga glg:gl glv:gv gre:el grn:gn
    guj:gu hat:ht hau:ha heb:he her:hz hin:hi hmo:ho hrv:hr hun:hu hye:hy ibo:ig ice:is ido:io iii:ii iku:iu ile:ie
    ina:ia ind:id ipk:ik isl:is ita:it jav:jv jpn:ja kal:kl kan:kn kas:ks kat:ka kau:kr kaz:kk khm:km kik:ki kin:rw
    kir:ky kom:kv kon:kg kor:ko kua:kj kur:ku lao:lo lat:la lav:lv lim:li lin:ln lit:lt ltz:lb lub:lu lug:lg mac:mk
    mah:mh mal:ml mao:mi mar:mr may:ms mkd:mk mlg:mg mlt:mt mon:mn mri:mi msa:ms mya:my nau:na nav:nv nbl:nr nde:nd
    ndo:ng nep:ne nld:nl nno:nn nob:nb nor:no nya:ny oci:oc oji:oj ori:or orm:om oss:os pan:pa per:fa pli:pi pol:pl
    por:pt pus:ps que:qu roh:rm ron:ro rum:ro run:rn rus:ru sag:sg san:sa sin:si slk:sk slo:sk slv:sl sme:se smo:sm
    sna:sn snd:sd som:so sot:st spa:es sqi:sq srd:sc srp:sr ssw:ss sun:su swa:sw swe:sv tah:ty tam:ta tat:tt tel:te
    tgk:tg tgl:tl tha:th tib:bo tir:ti ton:to tsn:tn tso:ts tuk:tk tur:tr twi:tw uig:ug ukr:uk urd:ur uzb:uz ven:ve
    vie:vi vol:vo wel:cy wln:wa wol:wo xho:xh yid:yi yor:yo zha:za zho:zh zul:zu
    """,
    )
)
"""ISO 639-2 codes, terminological and bibliographic, of languages that ISO 639-1 has a code for."""

_NAMES: dict[str, str] = dict(
    re.findall(
        r"([a-z]{2,3}):(\S+(?: \S+)*)",
        """
    af:Afrikaans  am:Amharic  ar:Arabic  az:Azerbaijani  be:Belarusian  bg:Bulgarian  bn:Bengali  bs:Bosnian
    ca:Catalan  cs:Czech  cy:Welsh  da:Danish  de:German  el:Greek  en:English  eo:Esperanto  es:Spanish  et:Estonian
    eu:Basque  fa:Persian  fi:Finnish  fil:Filipino  fr:French  ga:Irish  gl:Galician  gu:Gujarati  he:Hebrew  hi:Hindi
    hr:Croatian  hu:Hungarian  hy:Armenian  id:Indonesian  is:Icelandic  it:Italian  ja:Japanese  ka:Georgian
    kk:Kazakh  km:Khmer  kn:Kannada  ko:Korean  la:Latin  lb:Luxembourgish  lt:Lithuanian  lv:Latvian  mk:Macedonian
    ml:Malayalam  mn:Mongolian  mr:Marathi  ms:Malay  mt:Maltese  my:Burmese  nb:Norwegian Bokmål  ne:Nepali  nl:Dutch
    nn:Norwegian Nynorsk  no:Norwegian  pa:Punjabi  pl:Polish  pt:Portuguese  ro:Romanian  ru:Russian  si:Sinhala
    sk:Slovak  sl:Slovenian  sq:Albanian  sr:Serbian  sv:Swedish  sw:Swahili  ta:Tamil  te:Telugu  th:Thai  tl:Tagalog
    tr:Turkish  uk:Ukrainian  ur:Urdu  uz:Uzbek  vi:Vietnamese  yi:Yiddish  yue:Cantonese  zh:Chinese  zu:Zulu
    """,
    )
)
"""English names, by tag, of the languages that films are mostly spoken in; two spaces part them."""


def bcp47(language: str) -> str:
    """The shortest tag of a language, as RFC 5646, 2.2.1 demands; empty when the language is not known."""
    if language == UNDETERMINED or not re.fullmatch("[a-z]{3}", language):
        return ""
    return _TWO_LETTERS.get(language, language)


def language_name(language: str) -> str:
    """The English name of a language; its code where the table has no name, and empty when it is not known."""
    tag = bcp47(language)
    return _NAMES.get(tag, language if tag else "")
