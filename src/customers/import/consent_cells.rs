//! What the columns of a row say together of the wish to get mail.

use super::{
    cells::Cells,
    consent_words::{Answer, agreed, opted_out},
    field::Field,
    parsed_row::ConsentClaim,
};
use crate::consent::model::Wish;

impl Cells<'_> {
    /// The wish about email of all columns together: any no is a no, and what can't be understood
    /// is no yes.
    pub(super) fn email_consent(&mut self, with_address: bool) -> Option<ConsentClaim> {
        let reading = self.reading;
        if reading.mapping.unsubscribed {
            return with_address.then(|| ConsentClaim {
                wish: Wish::Withdraw,
                column: String::new(),
                evidence: format!(
                    "File {}, line {}: everybody in the file has unsubscribed",
                    reading.file_name, self.line
                ),
            });
        }
        let yes = self.answers(Field::EmailConsent, agreed);
        let no = self.answers(Field::EmailOptOut, opted_out);
        let said = self.together(&yes, &no);
        // Nobody has agreed to mail at an address that can't be read.
        said.filter(|said| with_address || said.wish == Wish::Withdraw || self.filled(Field::Email).is_empty())
    }

    pub(super) fn whatsapp_consent(&mut self) -> Option<ConsentClaim> {
        let answers = self.answers(Field::WhatsappConsent, agreed);
        self.together(&answers, &[])
    }

    /// What each column of a field answers. What we don't know is told.
    fn answers(&mut self, field: Field, read: fn(&str) -> Answer) -> Vec<Answered> {
        let mut answers = Vec::new();
        for cell in self.written(field) {
            let answer = read(cell.text);
            if answer == Answer::Unclear {
                let words = match field {
                    Field::EmailOptOut => "We don't know this word; it counts as unsubscribed",
                    _ => "We don't know this word; it counts as not agreed",
                };
                self.tell(cell.column, words.to_owned());
            }
            answers.push(Answered {
                column: cell.column.to_owned(),
                cell: cell.text.to_owned(),
                answer,
            });
        }
        answers
    }

    fn together(&self, agreed: &[Answered], left: &[Answered]) -> Option<ConsentClaim> {
        let first = |wanted: Answer| agreed.iter().find(|a| a.answer == wanted);
        // Something stands where only those who left have something.
        let left = || left.iter().find(|a| matches!(a.answer, Answer::No | Answer::Unclear));
        if let Some(no) = first(Answer::No).or_else(left) {
            return Some(self.said(Wish::Withdraw, no));
        }
        if first(Answer::Unclear).is_some() {
            return None;
        }
        // Not to have left is no agreement.
        first(Answer::Yes).map(|yes| self.said(Wish::Grant, yes))
    }

    fn said(&self, wish: Wish, answered: &Answered) -> ConsentClaim {
        let column = &answered.column;
        let value: String = crate::text::clean(&answered.cell).chars().take(100).collect();
        ConsentClaim {
            wish,
            column: column.clone(),
            evidence: format!(
                "File {}, line {}, column \"{column}\", value \"{value}\"",
                self.reading.file_name, self.line
            ),
        }
    }
}

/// A column's answer to whether they agreed.
#[derive(Debug)]
struct Answered {
    column: String,
    cell: String,
    answer: Answer,
}
