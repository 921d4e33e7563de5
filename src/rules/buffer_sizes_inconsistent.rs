//! rules/buffer-sizes-inconsistent.md

use crate::finding::{Edit, Fix, Safety};
use crate::model::nginx::{Place, Scope};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::source::Span;
use crate::syntax::nginx::Directive;
use crate::syntax::proxy_value::nginx_size;

/// The directives of one module.
struct Module {
    size: &'static str,
    buffers: &'static str,
    busy: &'static str,
    write: &'static str,
    most: &'static str,
}

macro_rules! module {
    ($prefix:literal) => {
        Module {
            size: concat!($prefix, "_buffer_size"),
            buffers: concat!($prefix, "_buffers"),
            busy: concat!($prefix, "_busy_buffers_size"),
            write: concat!($prefix, "_temp_file_write_size"),
            most: concat!($prefix, "_max_temp_file_size"),
        }
    };
}

/// `grpc` and `memcached` have `…_buffer_size` alone.
const MODULES: [Module; 4] = [
    module!("proxy"),
    module!("fastcgi"),
    module!("uwsgi"),
    module!("scgi"),
];

/// Without a word a buffer is one page of memory and there are 8 of them. A page has 4k on x86 and nearly every arm64
/// machine. Source: `ngx_http_proxy_merge_loc_conf` and its kin.
const PAGE: u64 = 4096;
const NUMBER: u64 = 8;

pub(super) fn check(cx: &mut Ctx) {
    // nginx refuses the first place alone; all that have the same values have the same cause.
    let mut faults = Alike::new();
    for place in cx.places.iter().filter(|place| is_merged(place)) {
        for module in &MODULES {
            let fault = Buffers::of(place, module).and_then(|buffers| buffers.fault(module));
            if let Some(fault) = fault {
                faults.add((place.hop, fault.message.clone()), fault.place, fault);
            }
        }
    }
    for (_, faults) in faults.groups() {
        let fault = &faults[0];
        let places = || faults.iter().map(|fault| fault.place);
        let finding = cx.report(fault.place, fault.message.as_str());
        finding.here(fault.here.clone());
        for (span, message) in &fault.labels {
            finding.label(*span, message.clone());
        }
        finding
            .again(places().skip(1))
            .help(fault.help.clone())
            .because("sizes", &fault.message);
        // nginx does not start without it, so that there is nothing that it could break.
        finding.fix = fault.beside.as_ref().map(|text| Fix {
            title: format!("add `{text}`"),
            safety: Safety::Safe,
            edits: places()
                .map(|place| Edit {
                    span: Span {
                        start: place.end,
                        ..place
                    },
                    text: format!(" {text}"),
                })
                .collect(),
        });
    }
}

/// Whether nginx compares the sizes here: it does in each block that it merges with the one around it.
fn is_merged(place: &Place) -> bool {
    let merged = matches!(
        place.context(),
        "server" | "location" | "if" | "limit_except"
    );
    merged && !place.stream
}

/// A size with the words for it.
struct Size {
    bytes: u64,
    place: Option<Span>,
}

/// What holds at a place.
struct Buffers {
    /// For the response head.
    head: Size,
    number: u64,
    /// Of each of the `number` buffers.
    each: Size,
    busy: Option<Size>,
    write: Option<Size>,
    most: Option<Size>,
}

/// What nginx refuses, in words.
struct Fault {
    place: Span,
    message: String,
    here: String,
    labels: Vec<(Span, String)>,
    help: String,
    /// A directive that heals it where it is written beside each place.
    beside: Option<String>,
}

impl Buffers {
    /// `None` if nothing is written here or above, or if something that was not seen may change it.
    fn of(place: &Place, module: &Module) -> Option<Self> {
        let scope = &place.scope;
        let names = [module.size, module.buffers, module.busy];
        let own = |name: &'static str| scope.own(name).next().is_some();
        if !place.is_whole() && !names.into_iter().all(own) {
            return None;
        }
        let (number, each) = match scope.find(module.buffers) {
            Some((directive, _)) => pool(directive)?,
            None => (NUMBER, Size::default_page()),
        };
        Some(Self {
            head: size(scope, module.size)?.unwrap_or_else(Size::default_page),
            number,
            each,
            busy: size(scope, module.busy)?,
            write: size(scope, module.write)?,
            most: size(scope, module.most)?,
        })
    }

    /// Sources: `ngx_http_proxy_merge_loc_conf`, `ngx_http_fastcgi_merge_loc_conf` and their kin.
    fn fault(&self, module: &Module) -> Option<Fault> {
        let larger = self.larger();
        let busy = self
            .busy
            .as_ref()
            .map_or(larger.saturating_mul(2), |busy| busy.bytes);
        let free = self
            .number
            .saturating_sub(1)
            .saturating_mul(self.each.bytes);
        let below = |size: &Option<Size>, zero: bool| {
            let size = size.as_ref().filter(|size| !(zero && size.bytes == 0))?;
            (size.bytes < larger).then_some((size.bytes, size.place?))
        };
        if self.number < 2 {
            return self.too_few(module);
        }
        if let Some(small) = below(&self.busy, false) {
            return Some(self.too_small(module, module.busy, small));
        }
        if busy > free {
            return self.too_busy(module, busy, free);
        }
        if let Some(small) = below(&self.write, false) {
            return Some(self.too_small(module, module.write, small));
        }
        let small = below(&self.most, true)?;
        Some(self.too_small(module, module.most, small))
    }

    fn larger(&self) -> u64 {
        self.head.bytes.max(self.each.bytes)
    }

    fn too_few(&self, module: &Module) -> Option<Fault> {
        let (buffers, each) = (module.buffers, kilobytes(self.each.bytes));
        Some(Fault {
            place: self.each.place?,
            message: format!(
                "{buffers} {} {each} is one buffer, and nginx needs two",
                self.number
            ),
            here: "at least 2".to_owned(),
            labels: Vec::new(),
            help: format!("write `{buffers} 8 {each};`"),
            beside: None,
        })
    }

    /// A size that must hold a whole buffer.
    fn too_small(&self, module: &Module, name: &str, (bytes, place): (u64, Span)) -> Fault {
        let larger = self.larger();
        let (what, size) = if self.head.bytes == larger {
            (module.size, &self.head)
        } else {
            (module.buffers, &self.each)
        };
        let one = if what == module.buffers {
            "one of "
        } else {
            ""
        };
        Fault {
            place,
            message: format!(
                "{name} {} is smaller than {one}{what} {}",
                kilobytes(bytes),
                kilobytes(larger)
            ),
            here: format!("less than {}", kilobytes(larger)),
            labels: self.labels(module, place, size.place),
            help: format!("raise {name} to {} at least", kilobytes(larger)),
            beside: None,
        }
    }

    /// The busy buffers must leave one free.
    fn too_busy(&self, module: &Module, busy: u64, free: u64) -> Option<Fault> {
        let (larger, each) = (self.larger(), kilobytes(self.each.bytes));
        let pool = format!("{} {} {each}", module.buffers, self.number);
        let of_default = if self.each.place.is_none() {
            ", the default,"
        } else {
            ""
        };
        let leaves = format!(
            "more than the {} that {pool}{of_default} leaves without one",
            kilobytes(free)
        );
        let (place, message) = match (&self.busy, self.head.place) {
            (Some(written), _) => {
                let cause = format!("{} {}", module.busy, kilobytes(written.bytes));
                (written.place?, format!("{cause} is {leaves}"))
            }
            (None, Some(place)) if self.head.bytes >= self.each.bytes => {
                let cause = format!("{} {}", module.size, kilobytes(larger));
                let needs = kilobytes(busy);
                (
                    place,
                    format!("{cause} needs {needs} of busy buffers, {leaves}"),
                )
            }
            (None, _) => {
                let (needs, free) = (kilobytes(busy), kilobytes(free));
                let message =
                    format!("{pool} needs {needs} of busy buffers and leaves {free} without one");
                (self.each.place?, message)
            }
        };
        let better = format!("{} {};", module.buffers, self.enough_for(busy));
        Some(Fault {
            place,
            message,
            here: format!("at most {} fits", kilobytes(free)),
            labels: self.labels(module, place, None),
            help: match self.each.place {
                Some(_) => format!("write `{better}`"),
                None => format!("write `{better}` beside it"),
            },
            beside: self.each.place.is_none().then_some(better),
        })
    }

    /// Buffers that are enough: larger ones where it would take more than there usually are.
    fn enough_for(&self, busy: u64) -> String {
        let (most, mut each) = (self.number.max(NUMBER), self.larger().max(1));
        while busy.div_ceil(each) >= most {
            each = each.saturating_mul(2);
        }
        let number = self.number.max(busy.div_ceil(each) + 1);
        format!("{number} {}", kilobytes(each))
    }

    /// The other sizes that are written.
    fn labels(&self, module: &Module, primary: Span, only: Option<Span>) -> Vec<(Span, String)> {
        let all = [
            (
                self.head.place,
                format!("{} is {}", module.size, kilobytes(self.head.bytes)),
            ),
            (
                self.each.place,
                format!(
                    "{} are {} of {}",
                    module.buffers,
                    self.number,
                    kilobytes(self.each.bytes)
                ),
            ),
        ];
        let wanted = |span: &Span| *span != primary && only.is_none_or(|only| only == *span);
        all.into_iter()
            .filter_map(|(span, message)| Some((span.filter(wanted)?, message)))
            .collect()
    }
}

impl Size {
    fn default_page() -> Self {
        Self {
            bytes: PAGE,
            place: None,
        }
    }
}

/// A size that holds here: `Some(None)` if none is written, `None` if what is written is no plain size.
fn size(scope: &Scope, name: &'static str) -> Option<Option<Size>> {
    let Some((directive, _)) = scope.find(name) else {
        return Some(None);
    };
    let bytes = nginx_size(&directive.args.first()?.value)?;
    Some(Some(Size {
        bytes,
        place: Some(directive.span),
    }))
}

/// `8 16k`
fn pool(directive: &Directive) -> Option<(u64, Size)> {
    let [number, each] = directive.args.as_slice() else {
        return None;
    };
    let bytes = nginx_size(&each.value)?;
    let place = Some(directive.span);
    Some((number.value.parse().ok()?, Size { bytes, place }))
}

/// `16k`, or bytes where they are no whole kilobytes.
fn kilobytes(bytes: u64) -> String {
    if bytes.is_multiple_of(1024) {
        format!("{}k", bytes / 1024)
    } else {
        bytes.to_string()
    }
}
