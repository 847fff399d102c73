//! The seven templates every store has: read-only, to be picked and then edited in the campaign.

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    pub key: &'static str,
    pub name: &'static str,
    pub subject: &'static str,
    pub body: &'static str,
}

/// In the order the picker shows them.
pub const ALL: [Builtin; 7] = [
    Builtin {
        key: "birthday_wish",
        name: "Birthday Wish",
        subject: "Happy birthday, {{first_name}}",
        body: "Dear {{first_name}},\n\nAll of us at {{store_name}} wish you a very happy birthday.\n\nIf you are passing this month, come in and let us clean and check a favourite piece for you, with our compliments.\n\nWarm wishes,\n{{staff_signature}}",
    },
    Builtin {
        key: "anniversary",
        name: "Anniversary",
        subject: "Your anniversary is coming up, {{first_name}}",
        body: "Dear {{first_name}},\n\nYour anniversary is on {{next_anniversary}}, and it would be our pleasure to help you mark it.\n\nTell us a little about what they love to wear and we will set a few pieces aside for you to see quietly.\n\n{{staff_signature}}",
    },
    Builtin {
        key: "thank_you",
        name: "Thank You",
        subject: "Thank you, {{first_name}}",
        body: "Dear {{first_name}},\n\nThank you for choosing {{store_name}}. We hope your piece brings you joy for many years.\n\nIt comes with a free clean and check every year: just bring it in, no appointment needed.\n\n{{staff_signature}}",
    },
    Builtin {
        key: "we_miss_you",
        name: "We Miss You",
        subject: "It has been a while, {{first_name}}",
        body: "Dear {{first_name}},\n\nIt has been some time since we last saw you at {{store_name}}.\n\nIf a clasp has come loose or a stone has lost its sparkle, bring it in: we will look at it while you wait.\n\nWe would love to see you again.\n\n{{staff_signature}}",
    },
    Builtin {
        key: "sale_announcement",
        name: "Sale Announcement",
        subject: "A few pieces at a kinder price",
        body: "Dear {{first_name}},\n\nFor a short time a small part of our collection is offered at a kinder price. We wanted you to know before the window changes.\n\n- Which pieces: \n- Until when: \n\nCome in, or reply to this message and we will hold a piece for you.\n\n{{staff_signature}}",
    },
    Builtin {
        key: "new_arrivals",
        name: "New Arrivals",
        subject: "Just in at {{store_name}}",
        body: "Dear {{first_name}},\n\nSome new pieces have just arrived, and you are among the first to hear.\n\n- \n- \n\nReply to this message if you would like to see one before it goes in the window.\n\n{{staff_signature}}",
    },
    Builtin {
        key: "holiday_greetings",
        name: "Holiday Greetings",
        subject: "Warm wishes from {{store_name}}",
        body: "Dear {{first_name}},\n\nThank you for being part of our year. From all of us at {{store_name}}, we wish you and yours a happy holiday.\n\nOur hours over the holidays: \n\n{{staff_signature}}",
    },
];
