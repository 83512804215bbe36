"""Edits of seeds: their bytes and how they are read."""

from random import Random

from tests.reuse_pairs.parts import BOTH, SEEDS, Part, drawer

TEXT = "id,v\n1,a\n2,b\n"
BYTES = {
    "trailing spaces": ("id,v\n1,a\n2,b  ", TEXT.rstrip()),
    "leading spaces": ("id,v\n1, a\n2,b\n", TEXT),
    "quoting": ('id,v\n1,"a"\n2,"b"\n', TEXT),
    "quoted spaces": ('id,v\n1,a\n2,"b "\n', TEXT),
    "line ends": ("id,v\r\n1,a\r\n2,b\r\n", TEXT),
    "a line end within quotes": ('id,v\n1,"a\r\nb"\n2,b\n', 'id,v\n1,"a\nb"\n2,b\n'),
    "a number becomes a fraction": ("id,v\n1,1.5\n2,2\n", "id,v\n1,1\n2,2\n"),
    "leading zeros": ("id,v\n1,01\n2,02\n", "id,v\n1,1\n2,2\n"),
    "numbers become words": ("id,v\n1,one\n2,2\n", "id,v\n1,1\n2,2\n"),
    "an empty value": ("id,v\n1,\n2,b\n", TEXT),
    "a row less": ("id,v\n1,a\n", TEXT),
    "rows in another order": ("id,v\n2,b\n1,a\n", TEXT),
    "an empty last line": ("id,v\n1,a\n2,b\n\n", TEXT),
    "the case of a column": ("id,V\n1,a\n2,b\n", TEXT),
    "a byte order mark": ("\ufeffid,v\n1,a\n2,b\n", TEXT),
    "a word for true": ("id,v\n1,true\n2,false\n", TEXT),
    "a column more": ("id,v,w\n1,a,x\n2,b,y\n", TEXT),
}


@drawer(SEEDS, *BOTH)
def bytes_of_a_seed_change(draw: Random, p: str, adapter: str) -> Part:
    """The bytes of a seed change, many of them such that its stripped or parsed text does not."""
    words = draw.choice(tuple(BYTES))
    now, then = BYTES[words]
    file = f"seeds/{p}_seed.csv"
    return Part(
        variant=words,
        files={file: then},
        outputs=(f"{p}_seed",) if words != "the case of a column" else (),
        edit=lambda bench: bench.write(file, now),
    )


@drawer(SEEDS, *BOTH)
def large_seed_changes(draw: Random, p: str, adapter: str) -> Part:
    """One letter changes in the middle, or a space at the end, of a seed that is too large for dbt to hash."""
    file, words = f"seeds/{p}_large.csv", draw.choice(("a letter", "a space at the end"))
    rows = "".join(f"{number},{'x' * 30_000}\n" for number in range(1, 41))
    text = f"id,v\n{rows}".rstrip()
    middle = len(text) // 2 + text[len(text) // 2 :].index("xx")
    now = f"{text[:middle]}y{text[middle + 1 :]}" if words == "a letter" else f"{text} "
    return Part(variant=words, files={file: text}, outputs=(f"{p}_large",), edit=lambda bench: bench.write(file, now))


@drawer(SEEDS, *BOTH)
def reading_of_a_seed_changes(draw: Random, p: str, adapter: str) -> Part:
    """A key changes that says how a seed is read."""
    then, now = draw.choice(
        (
            ("{column_types: {v: varchar}}", "{column_types: {v: integer}}"),
            ("{}", "{column_types: {id: bigint}}"),
            ("{}", "{column_types: {v: varchar}}"),
            ("{}", "{quote_columns: true}"),
            ("{}", '{delimiter: ";"}'),
            ("{}", "{alias: {p}_other}".replace("{p}", p)),
        )
    )
    yml = f"seeds/{p}.yml"
    return Part(
        variant=f"{then} becomes {now}",
        files={
            yml: f"seeds:\n  - name: {p}_seed\n    config: {then}\n",
            f"seeds/{p}_seed.csv": "id,v\n1,1\n2,2\n",
        },
        outputs=(f"{p}_seed",) if "delimiter" not in now else (),
        edit=lambda bench: bench.replace(yml, f"config: {then}", f"config: {now}"),
    )
