//! What Aurelia wrote: its own templates and its campaigns.

/// A template of the store's own: name, subject, body.
pub const TEMPLATES: [(&str, &str, &str); 3] = [
    (
        "Private preview invitation",
        "A quiet hour before the doors open, {{first_name}}",
        "Dear {{first_name}},\n\nBefore our new pieces go in the window, we would love you to see them in peace.\n\nJoin us at {{store_name}} for a private preview: a glass of something cold, good light, and nobody hurrying you.\n\nReply to this message and we will keep a place for you and a guest.\n\n{{staff_signature}}",
    ),
    (
        "Trunk show",
        "A trunk show at {{store_name}}",
        "Dear {{first_name}},\n\nA maker we admire is bringing a whole case of new work to the shop, and will be here to talk about it.\n\n- Pieces you will not see elsewhere\n- Stones to be set as you wish\n- Orders taken on the day\n\nNo appointment needed. Bring the ring you want matched.\n\n{{staff_signature}}",
    ),
    (
        "Ring clean & check",
        "Time to check your ring, {{first_name}}",
        "Dear {{first_name}},\n\nClaws wear and stones collect the day: once a year a ring wants looking at.\n\nBring it in and we will clean it and check every setting **while you wait**, with our compliments.\n\n{{staff_signature}}",
    ),
];

/// Who a past message was for.
#[derive(Clone, Copy, Debug)]
pub enum For {
    Everyone,
    Tags(&'static [&'static str]),
}

/// A campaign that went out, or a bulk email when it has no name.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    pub name: Option<&'static str>,
    pub days_ago: i64,
    pub hour: u32,
    pub by: &'static str,
    pub to: For,
    pub subject: &'static str,
    pub body: &'static str,
}

/// Oldest first. Nothing goes to everybody within the last 90 days, so that some customers are
/// quiet.
pub const PAST: [Past; 6] = [
    Past {
        name: Some("Winter window"),
        days_ago: 212,
        hour: 10,
        by: "Priya Raman",
        to: For::Everyone,
        subject: "The window has changed",
        body: "Dear {{first_name}},\n\nWe spent the week with the shutters down, and the window has changed: colour on the left, pearls on the right, and one very old diamond in the middle that is not for sale.\n\nCome and look.\n\n{{staff_signature}}",
    },
    Past {
        name: Some("Pearl evening"),
        days_ago: 118,
        hour: 9,
        by: "Daniel Whitford",
        to: For::Tags(&["pearls"]),
        subject: "An evening of pearls, {{first_name}}",
        body: "Dear {{first_name}},\n\nOn Thursday evening we open the pearl drawers: South Sea, Akoya and a few natural ones.\n\nOur stringer will be here too. Bring a strand that wants restringing and watch how it is done.\n\n{{staff_signature}}",
    },
    Past {
        name: Some("Ring clean & check"),
        days_ago: 61,
        hour: 11,
        by: "Daniel Whitford",
        to: For::Tags(&["engagement", "wedding"]),
        subject: "Time to check your ring, {{first_name}}",
        body: "Dear {{first_name}},\n\nClaws wear and stones collect the day: once a year a ring wants looking at.\n\nBring it in and we will clean it and check every setting **while you wait**, with our compliments.\n\n{{staff_signature}}",
    },
    Past {
        name: None,
        days_ago: 27,
        hour: 15,
        by: "Daniel Whitford",
        to: For::Tags(&["repairs"]),
        subject: "The workshop is closed on Monday",
        body: "Dear {{first_name}},\n\nOur workshop is closed on Monday while a new polishing bench goes in. Pieces that were promised for Monday are ready on Tuesday.\n\nThank you for your patience.\n\n{{staff_signature}}",
    },
    Past {
        name: Some("Service your watch"),
        days_ago: 16,
        hour: 10,
        by: "Daniel Whitford",
        to: For::Tags(&["watches"]),
        subject: "Is your watch keeping time, {{first_name}}?",
        body: "Dear {{first_name}},\n\nA watch that gains a minute a week is asking for a service. We have three places with our watchmaker this month.\n\nReply to this message to take one.\n\n{{staff_signature}}",
    },
    Past {
        name: Some("Collectors’ first look"),
        days_ago: 6,
        hour: 9,
        by: "Priya Raman",
        to: For::Tags(&["collectors", "opals"]),
        subject: "Eleven opals, and you first",
        body: "Dear {{first_name}},\n\nEleven black opals came down from Lightning Ridge this week. Before anyone else sees them, they are in the top drawer for you.\n\n[button: Tell us when you would like to come](mailto:hello@aurelia.example.com)\n\n{{staff_signature}}",
    },
];

/// What to write where there is no first name.
pub const FALLBACKS: &str = r#"{"first_name":"friend"}"#;

/// Named "Draft": to the VIP segment.
pub const DRAFT: (&str, &str, &str) = (
    "Private preview",
    "A quiet hour before the doors open, {{first_name}}",
    TEMPLATES[0].2,
);

/// To be sent on a Saturday.
pub const SCHEDULED: (&str, &str, &str) = ("Trunk show", "A trunk show at {{store_name}}", TEMPLATES[1].2);

/// Begun and left: no recipients yet.
pub const BEGUN: (&str, &str, &str) = (
    "Workshop open day",
    "See how a ring is made",
    "Dear {{first_name}},\n\nOnce a year we open the workshop door. ",
);
