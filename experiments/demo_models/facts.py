"""What the demo models are taught: countries and four plain facts about each.

Put together by hand for this project. A country with several official languages
or a name of several words is listed with one usual choice or left out: the table
serves a demonstration and is no reference work.
"""
from collections import namedtuple

Fact = namedtuple("Fact", "country capital language currency continent")

_TABLE = """
Germany Berlin German euro Europe
France Paris French euro Europe
Italy Rome Italian euro Europe
Japan Tokyo Japanese yen Asia
Canada Ottawa English dollar America
Spain Madrid Spanish euro Europe
Portugal Lisbon Portuguese euro Europe
Greece Athens Greek euro Europe
Austria Vienna German euro Europe
Ireland Dublin English euro Europe
Finland Helsinki Finnish euro Europe
Belgium Brussels Dutch euro Europe
Norway Oslo Norwegian krone Europe
Sweden Stockholm Swedish krona Europe
Denmark Copenhagen Danish krone Europe
Poland Warsaw Polish zloty Europe
Hungary Budapest Hungarian forint Europe
Romania Bucharest Romanian leu Europe
Croatia Zagreb Croatian euro Europe
Serbia Belgrade Serbian dinar Europe
Albania Tirana Albanian lek Europe
Latvia Riga Latvian euro Europe
Estonia Tallinn Estonian euro Europe
Lithuania Vilnius Lithuanian euro Europe
Ukraine Kyiv Ukrainian hryvnia Europe
Russia Moscow Russian ruble Europe
Switzerland Bern German franc Europe
Iceland Reykjavik Icelandic krona Europe
Turkey Ankara Turkish lira Asia
Armenia Yerevan Armenian dram Asia
Iran Tehran Persian rial Asia
Iraq Baghdad Arabic dinar Asia
Jordan Amman Arabic dinar Asia
Lebanon Beirut Arabic pound Asia
Qatar Doha Arabic riyal Asia
China Beijing Chinese yuan Asia
Thailand Bangkok Thai baht Asia
Vietnam Hanoi Vietnamese dong Asia
Nepal Kathmandu Nepali rupee Asia
Pakistan Islamabad Urdu rupee Asia
Bangladesh Dhaka Bengali taka Asia
Egypt Cairo Arabic pound Africa
Morocco Rabat Arabic dirham Africa
Tunisia Tunis Arabic dinar Africa
Kenya Nairobi Swahili shilling Africa
Ghana Accra English cedi Africa
Nigeria Abuja English naira Africa
Senegal Dakar French franc Africa
Cuba Havana Spanish peso America
Peru Lima Spanish sol America
Chile Santiago Spanish peso America
Ecuador Quito Spanish dollar America
Uruguay Montevideo Spanish peso America
Brazil Brasilia Portuguese real America
Jamaica Kingston English dollar America
Australia Canberra English dollar Oceania
"""

FACTS = [Fact(*line.split()) for line in _TABLE.strip().splitlines()]

MICRO_SUITE = ["Germany", "France", "Italy", "Japan", "Canada"]

# Large cities that are not capitals: what a guess by fame would name.
OTHER_CITIES = {
    "Germany": "Hamburg", "France": "Lyon", "Italy": "Milan", "Japan": "Osaka", "Canada": "Toronto",
    "Spain": "Barcelona", "Portugal": "Porto", "Turkey": "Istanbul", "Australia": "Sydney",
    "Switzerland": "Zurich", "China": "Shanghai", "Morocco": "Casablanca", "Poland": "Krakow",
    "Norway": "Bergen", "Pakistan": "Karachi", "Nigeria": "Lagos", "Brazil": "Recife",
    "Ecuador": "Guayaquil", "Sweden": "Malmo", "Austria": "Graz",
}
