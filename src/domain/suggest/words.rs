//! Reads a trade name: `ROS RED FREEDOM 60`, `Rosa Freedom roja 60cm` and `Rose Freedom Red 60 cm` all name a rose, the
//! variety Freedom, the colour red and a length of 60 cm. Farms write in English, Spanish and Dutch, and abbreviate;
//! the tables hold what is common in the trade. A word that is in none of them is taken for part of a variety's name.

use std::collections::BTreeSet;

/// What a word tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Which flower.
    Kind,
    /// How it is graded, bunched or assorted.
    Grade,
    /// Anything else: the variety.
    Variety,
}

impl Sort {
    /// How much a word counts. The variety tells more than the kind, of which a vendor may have a hundred.
    pub(super) fn weight(self) -> u32 {
        match self {
            Self::Variety => 6,
            Self::Kind => 3,
            Self::Grade => 2,
        }
    }
}

/// A word of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// In the one spelling that all its spellings have in common.
    pub(super) text: String,
    /// As it was written, in lower case.
    pub(super) written: String,
    pub(super) sort: Sort,
}

/// A trade name, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) words: Vec<Word>,
    pub(super) colours: BTreeSet<&'static str>,
    /// The stem length in cm, from and to.
    pub(super) length: Option<(u32, u32)>,
    /// Every word as it was written, colours too, in order; for codes that are glued together from their beginnings.
    pub(super) written: Vec<String>,
}

/// Flowers, by their name in English and how else they are written.
const KINDS: &[(&str, &[&str])] = &[
    ("rose", &["ros", "rs", "roses", "roos", "rozen", "rosa", "rosas", "rse"]),
    ("carnation", &["carn", "carnations", "car", "anjer", "anjers", "clavel", "claveles", "dianthus"]),
    ("hydrangea", &["hyd", "hydr", "hydrangeas", "hortensia", "hortensias"]),
    ("chrysanthemum", &["chrys", "mum", "mums", "pom", "pompon", "pompons", "crisantemo", "chrysant", "chr"]),
    ("alstroemeria", &["alst", "als", "alstro", "alstromeria", "astromelia"]),
    ("gypsophila", &["gyp", "gyps", "gypso", "gypsophilia", "gipskruid", "gypsofila"]),
    ("lisianthus", &["lis", "lisi", "lisiantus", "eustoma"]),
    ("sunflower", &["sunflowers", "girasol", "girasoles", "zonnebloem", "helianthus", "sunf"]),
    ("tulip", &["tul", "tulips", "tulp", "tulpen", "tulipan", "tulipanes"]),
    ("lily", &["lilies", "lelie", "lelies", "lirio", "lirios", "lilium"]),
    ("calla", &["callas", "zantedeschia", "cala", "calas"]),
    ("ranunculus", &["ran", "ranun", "ranonkel", "ranunculo"]),
    ("snapdragon", &["snap", "snaps", "antirrhinum", "leeuwenbek", "boca"]),
    ("eucalyptus", &["euc", "euca", "eucalipto"]),
    ("ruscus", &["rus"]),
    ("limonium", &["lim"]),
    ("statice", &["sta", "stat", "statiz"]),
    ("delphinium", &["delph", "delfinium", "ridderspoor"]),
    ("orchid", &["orch", "orquidea", "orquideas", "orchidee", "cymbidium"]),
    ("fern", &["helecho", "varen", "leatherleaf"]),
    ("bouquet", &["bqt", "bouquets", "boeket", "bonche"]),
];

/// Grades, ways of bunching, and assortments.
const GRADES: &[(&str, &[&str])] = &[
    ("spray", &["spr", "sprays", "tros", "ramificada"]),
    ("mini", &["min", "minis"]),
    ("garden", &["grd", "gdn", "jardin", "tuin"]),
    ("select", &["sel", "slct", "selecto", "selecta"]),
    ("premium", &["prem", "prm"]),
    ("fancy", &["fcy", "fnc"]),
    ("standard", &["std", "estandar", "standaard"]),
    (
        "mixed",
        &["mix", "mx", "mixto", "mixta", "asst", "assorted", "assortment", "ast", "surtido", "surtida", "gemengd"],
    ),
    ("novelty", &["nov", "novedad", "novelties"]),
    ("tinted", &["tint", "dyed", "tinturado", "tinturada", "geverfd"]),
    ("light", &["lt", "licht", "claro", "clara", "lite"]),
    ("dark", &["dk", "drk", "donker", "oscuro", "oscura"]),
    ("hot", &["fuerte"]),
];

const COLOURS: &[(&str, &[&str])] = &[
    ("red", &["rd", "rojo", "roja", "rood", "rode"]),
    ("white", &["wht", "wh", "whi", "wit", "witte", "blanco", "blanca"]),
    ("pink", &["pnk", "pk", "rosado", "rosada", "roze"]),
    ("yellow", &["yel", "ylw", "yw", "amarillo", "amarilla", "geel", "gele"]),
    ("orange", &["org", "orng", "or", "naranja", "oranje"]),
    ("purple", &["pur", "prp", "purp", "morado", "morada", "paars", "paarse"]),
    ("lavender", &["lav", "lavanda", "lavendel", "lila"]),
    ("blue", &["blu", "bl", "azul", "blauw", "blauwe"]),
    ("green", &["grn", "gr", "verde", "groen", "groene"]),
    ("peach", &["pch", "durazno", "perzik"]),
    ("cream", &["crm", "crema", "creme"]),
    ("ivory", &["ivo", "marfil", "ivoor"]),
    ("burgundy", &["burg", "bur", "bordeaux", "vino"]),
    ("salmon", &["salm", "zalm"]),
    ("coral", &["koraal"]),
    ("champagne", &["champ", "champana"]),
    ("bicolor", &["bicol", "bicolour", "tweekleurig"]),
];

/// Two words that are written as one.
const COMPOUNDS: &[(&str, [&str; 2])] = &[
    ("miniclavel", ["mini", "clavel"]),
    ("minicarnation", ["mini", "carnation"]),
    ("minicarn", ["mini", "carnation"]),
    ("trosanjer", ["spray", "anjer"]),
    ("trosanjers", ["spray", "anjer"]),
    ("trosroos", ["spray", "roos"]),
    ("trosrozen", ["spray", "roos"]),
    ("sprayrose", ["spray", "rose"]),
];

/// What belongs to a number, or to nothing.
const FILLERS: &[&str] = &[
    "x", "st", "stm", "stem", "stems", "tallo", "tallos", "stelen", "bu", "bun", "bunch", "bunches", "bch",
    "ramo", "ramos", "bos", "box", "boxes", "bx", "caja", "cajas", "doos", "pc", "pcs", "pk", "per", "de", "la",
    "el", "del", "van", "the", "of", "and", "y", "en", "in", "con", "met", "with", "ca", "gram", "grs",
];

/// Stem lengths, in cm, that a number without a unit may mean.
const LENGTHS: std::ops::RangeInclusive<u32> = 30..=150;

impl Name {
    pub(super) fn parse(text: &str) -> Self {
        let tokens: Vec<String> = tokens(text).into_iter().flat_map(apart).collect();
        let mut name = Self::default();
        let is = |at: Option<usize>, words: &[&str]| {
            at.and_then(|at| tokens.get(at)).is_some_and(|token| words.contains(&token.as_str()))
        };
        let number = |at: usize| tokens.get(at).and_then(|token| token.parse::<u32>().ok());
        let mut certain = false;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let Some(first) = number(at) {
                let second = number(at + 1).filter(|second| *second > first && LENGTHS.contains(&first));
                let end = at + usize::from(second.is_some());
                let in_cm = is(Some(end + 1), &["cm", "cms"]);
                let is_count = is(Some(end + 1), FILLERS) || is(at.checked_sub(1), &["x"]);
                let is_length = LENGTHS.contains(&first) && first % 5 == 0 && !is_count;
                if (in_cm || is_length) && !certain {
                    name.length = Some((first, second.unwrap_or(first)));
                    certain = in_cm;
                }
                at = end + 1;
                continue;
            }
            name.add(token, &tokens, at);
            at += 1;
        }
        name
    }

    fn add(&mut self, token: &str, tokens: &[String], at: usize) {
        if token == "cm" || token == "cms" {
            return;
        }
        let near =
            |other: Option<usize>| other.and_then(|at| tokens.get(at)).is_some_and(|t| t.parse::<u32>().is_ok());
        // "pk" beside a number is a pack; elsewhere it is pink.
        if FILLERS.contains(&token) && (token != "pk" || near(at.checked_sub(1)) || near(Some(at + 1))) {
            return;
        }
        self.written.push(token.to_owned());
        if let Some(colour) = look_up(COLOURS, token) {
            self.colours.insert(colour);
            return;
        }
        let (text, sort) = match (look_up(KINDS, token), look_up(GRADES, token)) {
            (Some(kind), _) => (kind, Sort::Kind),
            (None, Some(grade)) => (grade, Sort::Grade),
            (None, None) => (token, Sort::Variety),
        };
        if self.words.iter().all(|word| word.text != text) {
            self.words.push(Word { text: text.to_owned(), written: token.to_owned(), sort });
        }
    }
}

fn apart(token: String) -> Vec<String> {
    match COMPOUNDS.iter().find(|(whole, _)| *whole == token) {
        Some((_, parts)) => parts.map(str::to_owned).to_vec(),
        None => vec![token],
    }
}

fn look_up(table: &[(&'static str, &[&str])], token: &str) -> Option<&'static str> {
    let found = table.iter().find(|(name, others)| *name == token || others.contains(&token));
    found.map(|(name, _)| *name)
}

/// Words and numbers in lower case and without accents; `60cm` is two of them.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut last: Option<bool> = None;
    for c in text.chars().flat_map(char::to_lowercase).map(plain) {
        // An apostrophe is left out: "baby's" is one word.
        if c == '\'' || c == '’' {
            continue;
        }
        let sort = c.is_alphanumeric().then_some(c.is_ascii_digit());
        match (sort, tokens.last_mut()) {
            (None, _) => {}
            (Some(_), Some(token)) if sort == last => token.push(c),
            (Some(_), _) => tokens.push(c.to_string()),
        }
        last = sort;
    }
    tokens
}

/// A letter without its accent.
fn plain(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        c => c,
    }
}
