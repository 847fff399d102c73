//! What the headers of other programs mean.

use super::field::Field;

/// A header as far as it is compared: its letters in lower case. `E-mail 1 - Value`,
/// `EMAIL_VALUE` and `emailValue` are one.
pub(super) fn key_of(header: &str) -> String {
    header
        .chars()
        .filter(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect()
}

/// What a column with this key is.
pub(super) fn field_of(key: &str) -> Option<Field> {
    person(key).or_else(|| what_they_said(key)).or_else(|| about_them(key))
}

/// Who they are and how they are reached.
fn person(key: &str) -> Option<Field> {
    Some(match key {
        "squarecustomerid" | "customerid" | "externalid" | "id" | "internalid" | "klaviyoid" | "recordid" | "euid" => {
            Field::ExternalId
        }
        "name" | "fullname" | "customername" | "customer" | "contactname" | "displayname" | "clientname" => Field::Name,
        "firstname" | "givenname" | "forename" | "fname" | "billingfirstname" | "vorname" | "prenom" | "prénom" => {
            Field::FirstName
        }
        "lastname" | "surname" | "familyname" | "lname" | "billinglastname" | "nachname" | "nom" => Field::LastName,
        "lastnamepreposition" | "tussenvoegsel" => Field::BeforeLastName,
        "company" | "companyname" | "organization" | "organizationname" | "organisation" | "businessname"
        | "billingcompany" => Field::Company,
        "email" | "emailaddress" | "emailvalue" | "primaryemail" | "workemail" | "personalemail" | "homeemail"
        | "contactemail" | "customeremail" | "billingemail" | "emails" => Field::Email,
        "phone" | "phonenumber" | "mobile" | "mobilenumber" | "mobilephone" | "mobilephonenumber" | "telephone"
        | "cell" | "cellphone" | "phonevalue" | "primaryphone" | "telefon" => Field::Phone,
        "defaultaddressphone"
        | "otherphone"
        | "homephone"
        | "workphone"
        | "businessphone"
        | "billingphone"
        | "phonehome"
        | "phonework" => Field::OtherPhone,
        _ => return None,
    })
}

/// Whether they want to be written to.
fn what_they_said(key: &str) -> Option<Field> {
    if key.starts_with("optedoutofemail") {
        return Some(Field::EmailOptOut);
    }
    Some(match key {
        "acceptsemailmarketing"
        | "acceptsmarketing"
        | "acceptsnewsletter"
        | "consent"
        | "doubleoptin"
        | "emailconsent"
        | "emailmarketing"
        | "emailmarketingconsent"
        | "emailmarketingstate"
        | "emailmarketingstatus"
        | "emailoptin"
        | "emailpermission"
        | "emailpermissionstatus"
        | "emailstatus"
        | "emailsubscribed"
        | "emailsubscriptionstatus"
        | "issubscribed"
        | "mailchimpwoocommerceissubscribed"
        | "marketingconsent"
        | "marketingoptin"
        | "newsletter"
        | "newslettersubscription"
        | "optin"
        | "subscribed"
        | "subscriberstatus"
        | "subscriptionstatus" => Field::EmailConsent,
        "blacklisted"
        | "blocklisted"
        | "bounced"
        | "cleantime"
        | "complained"
        | "confirmedoptoutdate"
        | "donotcontact"
        | "donotemail"
        | "emailaddressquarantined"
        | "emailblacklist"
        | "emailblacklisted"
        | "emailblocklist"
        | "emailblocklisted"
        | "emailbounced"
        | "emailhardbouncereason"
        | "emailoptedout"
        | "emailoptout"
        | "emailoptoutdate"
        | "emailsuppressed"
        | "emailsuppressions"
        | "emailunsubscribed"
        | "globalbounce"
        | "hardbounce"
        | "hardbounced"
        | "hasoptedoutofemail"
        | "isunsubscribed"
        | "markedasspam"
        | "noemail"
        | "nomarketing"
        | "optedout"
        | "optout"
        | "optoutdate"
        | "portalbounce"
        | "portalspamreport"
        | "portalunsubscribe"
        | "spamcomplaint"
        | "suppressions"
        | "unsubscribed"
        | "unsubscribedat"
        | "unsubscribedate"
        | "unsubscribedfromallemail"
        | "unsubscribetime"
        | "unsubtime" => Field::EmailOptOut,
        "acceptswhatsappmarketing" | "whatsappconsent" | "whatsappmarketingconsent" | "whatsappoptin" => {
            Field::WhatsappConsent
        }
        _ => return None,
    })
}

/// What the shop knows of them.
fn about_them(key: &str) -> Option<Field> {
    Some(match key {
        "tags" | "tag" | "groups" | "groupmembership" | "labels" | "categories" | "customergroup"
        | "customergroupname" | "emaillists" => Field::Tags,
        "birthday" | "birthdate" | "dateofbirth" | "dob" => Field::Birthday,
        "partner" | "partnername" | "spouse" | "spousename" => Field::PartnerName,
        "partnerbirthday" | "partnersbirthday" | "spousebirthday" => Field::PartnerBirthday,
        "anniversary" | "weddinganniversary" | "weddingdate" => Field::Anniversary,
        "note" | "notes" | "memo" | "comment" | "comments" => Field::Notes,
        "totalspent" | "totalspend" | "lifetimespend" | "lifetimevalue" => Field::Spent,
        "lastvisit" => Field::LastVisit,
        "firstvisit" | "customersince" | "createdat" | "createdate" | "signup" | "registered" | "dateregistered" => {
            Field::Since
        }
        "vip" => Field::Vip,
        _ => return None,
    })
}

/// Whether a column that is nothing by itself may say who wants no mail. With a column that does,
/// its companions (why, where, which campaign) need no answer.
pub(super) fn may_be_consent(header: &str, with_opt_out: bool) -> bool {
    const PARTS: [&str; 29] = [
        "abgemeldet",
        "abmeld",
        "agree",
        "blacklist",
        "blocklist",
        "bounce",
        "complain",
        "consent",
        "dontemail",
        "donotcontact",
        "donotemail",
        "donotmail",
        "dsgvo",
        "einwillig",
        "gdpr",
        "marketing",
        "newsletter",
        "noemail",
        "optedin",
        "optedout",
        "optin",
        "optout",
        "permission",
        "rgpd",
        "spam",
        "subscri",
        "suppress",
        "unsub",
        "withdraw",
    ];
    const WORDS: [&str; 3] = ["opt", "dnc", "dne"];
    const ABOUT_A_YES: [&str; 6] = [
        "optintime",
        "optinip",
        "confirmtime",
        "confirmip",
        "emailoptindate",
        "emailoptinsource",
    ];
    let key = key_of(header);
    let about_a_no = [
        "unsubcampaigntitle",
        "unsubcampaignid",
        "unsubreason",
        "unsubreasonother",
        "cleancampaigntitle",
        "cleancampaignid",
        "confirmedoptoutsource",
        "confirmedoptoutreason",
        "emailoptoutsource",
        "emailoptoutreason",
    ];
    // In that program every address that is paid for, agreed or not.
    let other = key == "marketingcontactstatus" || key.contains("sms") || key.contains("whatsapp");
    let when = key.ends_with("consenttimestamp") || ABOUT_A_YES.contains(&key.as_str());
    if other || when || (with_opt_out && about_a_no.contains(&key.as_str())) {
        return false;
    }
    let mut words = header.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    PARTS.iter().any(|part| key.contains(part)) || words.any(|word| WORDS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns about consent as these programs write them.
    #[test]
    fn the_programs_own_columns_are_known() {
        for (field, headers) in [
            (
                Field::EmailConsent,
                &[
                    "Accepts Email Marketing",   // Shopify
                    "Email Subscription Status", // Square
                    "Email Marketing Consent",   // Klaviyo
                    "Email permission status",   // Constant Contact
                    "Email Status",              // Constant Contact
                    "OPT_IN",                    // Brevo
                    "DOUBLE_OPT-IN",             // Brevo
                    "mailchimp_woocommerce_is_subscribed",
                ][..],
            ),
            (
                Field::EmailOptOut,
                &[
                    "UNSUB_TIME",                  // Mailchimp
                    "CLEAN_TIME",                  // Mailchimp
                    "Email Suppressions",          // Klaviyo
                    "Unsubscribed from all email", // HubSpot
                    "Opted out of email: Marketing Information",
                    "Portal Unsubscribe", // HubSpot
                    "Portal Bounce",
                    "Email hard bounce reason",
                    "do_not_email",           // Lightspeed
                    "Confirmed Opt-Out Date", // Constant Contact
                    "Is Unsubscribed",
                    "EMAIL_BLACKLISTED", // Brevo
                    "Email Opt Out",
                ][..],
            ),
        ] {
            for header in headers {
                assert_eq!(field_of(&key_of(header)), Some(field), "{header}");
            }
        }
    }

    #[test]
    fn what_may_be_about_consent_is_asked() {
        for header in [
            "GDPR?",
            "Opt",
            "Newsletter (yes)",
            "Marketing Information",
            "No. of bounces",
            "UNSUB_REASON",
        ] {
            assert!(
                field_of(&key_of(header)).is_none() && may_be_consent(header, false),
                "{header}"
            );
        }
        for header in [
            "Shoe size",
            "Option",
            "Optician",
            "OPTIN_TIME",
            "CONFIRM_IP",
            "Email Marketing Consent Timestamp",
            "SMS Marketing Consent",
            "Marketing contact status",
        ] {
            assert!(!may_be_consent(header, false), "{header}");
        }
        assert!(!may_be_consent("UNSUB_REASON", true));
    }
}
