"""Names of people, trades and places by country. Any likeness to a real company is chance; all domains end in
`.example`, which nobody can own (RFC 2606)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """What names look like in a country."""

    code: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    cities: tuple[str, ...]
    companies: tuple[str, ...]
    """Patterns of company names; `{}` is a family name."""


COUNTRIES = (
    Country(
        "DE",
        (
            "Anna",
            "Lukas",
            "Jürgen",
            "Sabine",
            "Moritz",
            "Katharina",
            "Felix",
            "Ute",
            "Jonas",
            "Miriam",
            "Dieter",
            "Leonie",
        ),
        (
            "Lindner",
            "Vogel",
            "Brandt",
            "Schäfer",
            "Krüger",
            "Hartmann",
            "Böhm",
            "Seidel",
            "Kessler",
            "Wolff",
            "Neumann",
            "Groß",
        ),
        ("Leipzig", "Freiburg", "Kassel", "Rostock", "Bamberg"),
        ("Bäckerei {} GmbH", "{} Maschinenbau GmbH", "Kanzlei {} & Partner", "{} Solartechnik GmbH", "Apotheke {}"),
    ),
    Country(
        "FR",
        (
            "Camille",
            "Théo",
            "Hélène",
            "Mathieu",
            "Zoé",
            "François",
            "Élise",
            "Julien",
            "Manon",
            "Benoît",
            "Chloé",
            "Olivier",
        ),
        (
            "Moreau",
            "Lefèvre",
            "Garnier",
            "Rousseau",
            "Chevalier",
            "Perrin",
            "Marchand",
            "Gauthier",
            "Barbier",
            "Renaud",
        ),
        ("Nantes", "Dijon", "Grenoble", "Rennes", "Annecy"),
        ("Ateliers {} SAS", "Menuiserie {} SARL", "{} & Associés", "Vignobles {}", "Imprimerie {} SAS"),
    ),
    Country(
        "IT",
        (
            "Giulia",
            "Lorenzo",
            "Chiara",
            "Matteo",
            "Francesca",
            "Davide",
            "Elisa",
            "Niccolò",
            "Sara",
            "Tommaso",
            "Paola",
        ),
        ("Rossetti", "Ferrari", "Bianchi", "Colombo", "Marchetti", "Galli", "De Santis", "Fontana", "Rinaldi", "Serra"),
        ("Bologna", "Torino", "Verona", "Lecce", "Trieste"),
        ("{} & Figli S.r.l.", "Ceramiche {} S.p.A.", "Studio {}", "Tessitura {} S.r.l.", "Officine {} S.r.l."),
    ),
    Country(
        "ES",
        ("Lucía", "Álvaro", "Nuria", "Íñigo", "Carmen", "Pablo", "Marta", "Sergio", "Inés", "Joaquín", "Begoña"),
        ("Navarro", "Ibáñez", "Castaño", "Gallego", "Peñalver", "Molina", "Echeverría", "Santos", "Vidal", "Cabrera"),
        ("Bilbao", "Valencia", "Zaragoza", "Gijón", "Málaga"),
        ("Bodegas {} S.L.", "{} Arquitectos", "Transportes {} S.A.", "Conservas {} S.L.", "Clínica {}"),
    ),
    Country(
        "NL",
        ("Sanne", "Bram", "Femke", "Daan", "Lotte", "Sjoerd", "Marijke", "Thijs", "Anouk", "Jeroen"),
        ("de Vries", "van Dijk", "Bakker", "Visser", "Mulder", "Hoekstra", "van den Berg", "Postma", "Kuipers"),
        ("Utrecht", "Groningen", "Breda", "Zwolle"),
        ("{} Scheepsbouw B.V.", "Drukkerij {} B.V.", "{} Tuinbouw", "{} Logistiek B.V."),
    ),
    Country(
        "PL",
        ("Zofia", "Jakub", "Małgorzata", "Paweł", "Agnieszka", "Łukasz", "Hanna", "Michał", "Ewa", "Bartosz"),
        ("Wiśniewska", "Zieliński", "Kamiński", "Dąbrowska", "Mazur", "Krawczyk", "Grabowski", "Pawlak", "Sikora"),
        ("Poznań", "Gdańsk", "Wrocław", "Lublin"),
        ("{} Meble Sp. z o.o.", "Gabinet {}", "{} Transport Sp. z o.o.", "Zakłady {} S.A."),
    ),
    Country(
        "SE",
        ("Astrid", "Erik", "Maja", "Göran", "Linnéa", "Oskar", "Åsa", "Nils", "Ebba", "Henrik"),
        ("Lindqvist", "Öberg", "Sandström", "Nyström", "Hägglund", "Forsberg", "Åkerman", "Wallin", "Sjögren"),
        ("Uppsala", "Umeå", "Lund", "Örebro"),
        ("{} Skog AB", "{} Arkitektkontor AB", "{} & Söner AB", "Bruket {} AB"),
    ),
    Country(
        "PT",
        ("Beatriz", "Tiago", "Inês", "Gonçalo", "Mariana", "Rui", "Joana", "Duarte", "Leonor", "Nuno"),
        ("Carvalho", "Magalhães", "Teixeira", "Simões", "Figueiredo", "Pacheco", "Brandão", "Lourenço", "Sequeira"),
        ("Braga", "Coimbra", "Aveiro", "Évora"),
        ("Cortiças {} Lda.", "{} Têxteis S.A.", "Quinta {} Lda.", "{} Engenharia Lda."),
    ),
)

STREETS = {
    "DE": "Marktstraße {}",
    "FR": "{} rue des Tilleuls",
    "IT": "Via Garibaldi {}",
    "ES": "Calle Mayor {}",
    "NL": "Kerkstraat {}",
    "PL": "ul. Lipowa {}",
    "SE": "Storgatan {}",
    "PT": "Rua das Flores {}",
}

COLOURS = ("#1f6f78", "#7b5ea7", "#c8553d", "#3d6fb6", "#5f8d4e", "#a8648a", "#b9821b", "#2f4858")
