//! Files of customers, for tests and measurements.

/// A small customer export as Shopify writes it.
pub const SHOPIFY: &str = include_str!("../fixtures/shopify_customers.csv");

/// Rows as Shopify writes them, of which every fiftieth is broken in one of ten ways; with the
/// lines of those. Four of the ways cost a cell, six
/// the row.
pub fn shopify_file(rows: u32) -> (Vec<u8>, Vec<i64>) {
    let header = SHOPIFY.lines().next().unwrap_or_default();
    let mut out = format!("{header}\n").into_bytes();
    let mut broken = Vec::new();
    for n in 0..rows {
        let line = i64::from(n) + 2;
        let (consent, spent) = (if n % 3 == 0 { "yes" } else { "no" }, format!("{}.50", n % 4000));
        let row = |first: &str, email: &str, consent: &str, spent: &str, tail: &str| {
            format!(
                "'{n},{first},Núñez {n},{email},{consent},,,,Sydney,NSW,AU,'2000,,'+614{:08},no,{spent},1,Note {n},no,\"a, b\"{tail}\n",
                12_000_000 + n
            )
        };
        let email = format!("c{n}@example.com");
        let good = row("Zoë", &email, consent, &spent, "");
        if n % 50 != 25 {
            out.extend(good.bytes());
            continue;
        }
        broken.push(line);
        let bytes = match (n / 50) % 10 {
            0 => row("Zoë", "no-at-sign", consent, &spent, "").into_bytes(),
            1 => format!("'{n},,,,{consent},,,,,,,,,,no,1.00,1,,no,\n").into_bytes(),
            2 => format!("'{n},Zoë,Short,{email}\n").into_bytes(),
            3 => row("Zoë", &email, consent, &spent, ",more,cells").into_bytes(),
            4 => row("Zoë", &email, consent, "twelve", "").into_bytes(),
            5 => row("Zoë", &email, "perhaps", &spent, "").into_bytes(),
            6 => {
                let mut bytes = good.clone().into_bytes();
                let at = bytes.iter().position(|b| *b == b'Z').unwrap_or_default();
                bytes[at] = 0xE9;
                bytes
            }
            7 => row(&"n".repeat(300), &email, consent, &spent, "").into_bytes(),
            8 => good.replacen(",Zoë", ",\"Zoë", 1).into_bytes(),
            _ => good.replace("Zo", "Z\0o").into_bytes(),
        };
        out.extend(bytes);
    }
    (out, broken)
}
