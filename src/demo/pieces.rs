//! What the demo's customers bought and had mended.

/// A piece in the window: what it is and between what prices, in dollars.
pub type Piece = (&'static str, i64, i64);

pub const ENGAGEMENT: [Piece; 8] = [
    ("Solitaire diamond ring, 18ct white gold", 3_200, 14_500),
    ("Oval diamond ring, platinum", 5_400, 22_000),
    ("Emerald-cut diamond ring, 18ct yellow gold", 4_800, 18_500),
    ("Sapphire and diamond ring, 18ct white gold", 2_900, 9_800),
    ("Three-stone diamond ring, platinum", 4_600, 16_000),
    ("Pear-cut diamond ring, 18ct rose gold", 3_900, 13_500),
    ("Parti sapphire ring, 18ct yellow gold", 2_600, 7_200),
    ("Vintage-style halo ring, 18ct white gold", 3_100, 9_900),
];

pub const WEDDING: [Piece; 6] = [
    ("Pair of wedding bands, 18ct yellow gold", 1_900, 4_200),
    ("Pair of wedding bands, platinum", 2_800, 5_600),
    ("Wedding band, 18ct white gold, set with diamonds", 1_600, 4_400),
    ("Wedding band, 9ct rose gold", 620, 1_250),
    ("Wedding band, palladium, brushed", 780, 1_450),
    ("Curved wedding band, made to fit", 1_350, 3_300),
];

pub const GIFTS: [Piece; 12] = [
    ("Pearl stud earrings, 9ct yellow gold", 240, 690),
    ("Freshwater pearl strand", 320, 1_150),
    ("South Sea pearl pendant", 850, 3_600),
    ("Diamond stud earrings, 18ct white gold", 890, 4_900),
    ("Opal pendant, 14ct yellow gold", 560, 2_800),
    ("Gold hoop earrings, 9ct", 180, 540),
    ("Signet ring, 9ct yellow gold, engraved", 640, 1_400),
    ("Tennis bracelet, 18ct white gold", 2_400, 8_900),
    ("Birthstone necklace, sterling silver", 95, 260),
    ("Charm bracelet, sterling silver", 140, 420),
    ("Locket, 9ct yellow gold, engraved", 380, 920),
    ("Christening bangle, sterling silver", 85, 190),
];

pub const COLLECTOR: [Piece; 8] = [
    ("Black opal ring, 18ct yellow gold", 4_200, 19_000),
    ("Art Deco diamond brooch, platinum", 3_800, 15_500),
    ("Boulder opal pendant, one of a kind", 1_900, 8_400),
    ("Victorian mourning locket", 900, 2_700),
    ("Paraíba tourmaline, loose, 1.4 ct", 5_600, 21_000),
    ("Estate sapphire bracelet, 18ct white gold", 4_900, 17_500),
    ("Natural Australian pearl, single", 1_200, 6_800),
    ("Edwardian ruby ring, platinum", 3_300, 12_400),
];

pub const WATCHES: [Piece; 6] = [
    ("Dress watch, steel, silver dial", 1_150, 3_900),
    ("Automatic watch, steel bracelet", 1_900, 7_800),
    ("Diving watch, ceramic bezel", 2_600, 9_400),
    ("Gold watch, leather strap", 4_800, 16_500),
    ("Quartz watch, mother-of-pearl dial", 420, 1_250),
    ("Watch strap, alligator", 160, 380),
];

pub const REPAIRS: [&str; 12] = [
    "Ring resized from M to K",
    "Claws rebuilt on a solitaire ring",
    "Pearl strand restrung and knotted",
    "Watch battery and reseal",
    "Full watch service",
    "Clasp replaced on a bracelet",
    "Bracelet soldered and polished",
    "Rhodium plating, white gold ring",
    "Lost side stone matched and set",
    "Heirloom ring remodelled",
    "Earring post replaced",
    "Engraving inside a wedding band",
];

pub const NOTES: [&str; 12] = [
    "Ring size L, left hand.",
    "Prefers white gold and platinum.",
    "Allergic to nickel.",
    "Collects opals from Lightning Ridge.",
    "Please ring before posting anything.",
    "Likes to be shown new sapphires first.",
    "Wears yellow gold only.",
    "Found us through a friend.",
    "Ask after the estate brooch she was thinking about.",
    "Comes in on Saturdays with the pram: clear the door.",
    "Wrist 16.5 cm.",
    "Pierced ears, no clip-ons.",
];
