//! Forms: what was typed, [whether it is from our own page](submitted), and what is wrong with it, beside each
//! [`field`].

mod field;
mod submitted;

pub(crate) use field::Field;
pub(crate) use submitted::{Submitted, TooLarge, Uploaded};

/// What was typed, in the order of the form.
pub(crate) type Fields = Vec<(String, String)>;

/// The field with the proof that a form is of this session.
pub(crate) const TOKEN: &str = "_token";

/// Reads a form's body.
pub(crate) fn parse(body: &[u8]) -> Fields {
    url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// What was typed into a field; empty if it is not there.
pub(crate) fn value<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// Something wrong with what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The field, if it is one of the form's.
    pub(crate) field: Option<String>,
    /// What is wrong, in the person's language.
    pub(crate) words: String,
}

/// A form on a page: what was typed so far, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Form {
    fields: Fields,
    mistakes: Vec<Mistake>,
}

impl Form {
    /// Filled in, nothing wrong yet.
    pub(crate) fn filled(fields: Fields) -> Self {
        Self { fields, mistakes: Vec::new() }
    }

    /// What was sent, with what is wrong.
    pub(crate) fn refused(fields: &Fields, mistakes: Vec<Mistake>) -> Self {
        Self { fields: fields.clone(), mistakes }
    }

    /// With other names for the fields that mistakes are about: the form's, where the API's differ.
    pub(crate) fn renamed(self, name: impl Fn(&str) -> String) -> Self {
        self.each(|mistake| mistake.field = mistake.field.take().map(|field| name(&field)))
    }

    /// With every mistake told as `tell` has it: where the form asks in another way than the API.
    pub(crate) fn each(mut self, tell: impl Fn(&mut Mistake)) -> Self {
        self.mistakes.iter_mut().for_each(tell);
        self
    }

    /// What was typed into a field, or filled in.
    pub(crate) fn value(&self, name: &str) -> &str {
        value(&self.fields, name)
    }

    /// Whether anything is wrong.
    pub(crate) fn is_refused(&self) -> bool {
        !self.mistakes.is_empty()
    }

    /// What is wrong, for the top of the page.
    pub(crate) fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// A field with what was typed and what is wrong with it.
    pub(crate) fn show(&self, mut field: Field) -> Field {
        let typed = self.fields.iter().find(|(name, _)| *name == field.name);
        match field.kind {
            // A password is never sent back, and a file cannot be.
            "password" | "file" => {}
            // Of a form that was sent, what is not there was not ticked.
            "checks" if self.fields.is_empty() => {}
            "checks" => {
                let ticked = self.fields.iter().filter(|(name, _)| *name == field.name);
                field.value = ticked.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ");
            }
            _ => {
                if let Some((_, typed)) = typed {
                    field.value.clone_from(typed);
                }
            }
        }
        let wrong = self.mistakes.iter().find(|mistake| mistake.field.as_deref() == Some(field.name));
        field.error = wrong.map(|mistake| mistake.words.clone());
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use askama::Template as _;

    #[test]
    fn what_was_typed_stays_except_passwords() {
        let fields = parse(b"login=lily%2Bx&password=secret");
        let form =
            Form::refused(&fields, vec![Mistake { field: Some("login".to_owned()), words: "no".to_owned() }]);
        let login = form.show(Field::text("login", "Login")).render().unwrap();
        assert!(
            login.contains("lily+x") && login.contains("aria-invalid") && login.contains(">no<"),
            "{login}"
        );
        let password =
            form.show(Field::password("password", "Password", "current-password")).render().unwrap();
        assert!(!password.contains("secret"), "{password}");
    }
}
