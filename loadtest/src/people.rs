//! Who comes: people whose browsers keep the cookies they were given, and others seen for the first time.

use crate::random::Random;
use crate::token;
use attribution_core::ids::VisitorId;

/// The name of the visitor cookie, without the prefix it gets behind https.
const VISITOR_COOKIE: &str = "yk_v";

/// One browser's cookies for the edge.
#[derive(Debug, Clone, Default)]
pub struct Jar {
    cookies: Vec<(String, String)>,
}

impl Jar {
    /// Takes a `Set-Cookie` value; `Max-Age=0` removes the cookie.
    pub fn take(&mut self, set_cookie: &str) {
        let mut parts = set_cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let gone = parts.any(|attribute| attribute.eq_ignore_ascii_case("max-age=0"));
        self.cookies.retain(|(known, _)| known != name);
        if !gone {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    /// The `Cookie` header's value; `None` without cookies.
    pub fn header(&self) -> Option<String> {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Who this browser is, as its visitor cookie says.
    pub fn visitor(&self) -> Option<VisitorId> {
        self.cookies
            .iter()
            .find(|(name, _)| name.trim_start_matches("__Host-") == VISITOR_COOKIE)
            .and_then(|(_, value)| token::visitor(value))
    }
}

/// Everybody who has come so far, up to a limit; beyond it somebody is forgotten for each newcomer.
#[derive(Debug)]
pub struct People {
    jars: Vec<Jar>,
    limit: usize,
    returning: f64,
}

/// A browser for one request; give it back with [`People::leave`].
#[derive(Debug)]
pub struct Visit {
    place: Option<usize>,
    /// Its cookies.
    pub jar: Jar,
}

impl People {
    /// `returning` is the share (0 to 1) of visits by somebody who came before.
    pub const fn new(limit: usize, returning: f64) -> Self {
        Self { jars: Vec::new(), limit, returning }
    }

    /// Somebody comes.
    pub fn come(&self, random: &mut Random) -> Visit {
        let somebody = random.below(self.jars.len() as u64);
        let place = usize::try_from(somebody).ok().filter(|_| !self.jars.is_empty());
        match place.filter(|_| random.unit() < self.returning) {
            Some(place) => Visit { place: Some(place), jar: self.jars[place].clone() },
            None => Visit { place: None, jar: Jar::default() },
        }
    }

    /// Somebody leaves and keeps the cookies.
    pub fn leave(&mut self, visit: Visit, random: &mut Random) {
        match visit.place {
            Some(place) => self.jars[place] = visit.jar,
            None if visit.jar.cookies.is_empty() => {}
            None if self.jars.len() < self.limit => self.jars.push(visit.jar),
            None => {
                let place = usize::try_from(random.below(self.jars.len() as u64)).unwrap_or(0);
                if let Some(slot) = self.jars.get_mut(place) {
                    *slot = visit.jar;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jar_keeps_replaces_and_drops() {
        let mut jar = Jar::default();
        assert_eq!(jar.header(), None);
        jar.take("a=1; Path=/; HttpOnly");
        jar.take("b=2");
        jar.take("a=3; Max-Age=100");
        assert_eq!(jar.header().as_deref(), Some("b=2; a=3"));
        jar.take("b=; Max-Age=0; Path=/");
        assert_eq!(jar.header().as_deref(), Some("a=3"));
        assert_eq!(jar.visitor(), None);
    }

    #[test]
    fn returning_people_bring_their_cookies() {
        let mut random = Random::new(1);
        let mut people = People::new(10, 1.0);
        let mut visit = people.come(&mut random);
        assert_eq!(visit.jar.header(), None, "nobody has come before");
        visit.jar.take("a=1");
        people.leave(visit, &mut random);
        assert_eq!(people.come(&mut random).jar.header().as_deref(), Some("a=1"));
    }
}
