"""The data set's clipped capitals ("FRZN SS PREMIUM ENTREES/DNRS/N") as words that a person reads, and in part in French."""

from __future__ import annotations

import re

_WORDS: dict[str, str] = dict(
    re.findall(
        r"(\w+)=([^|]+)",
        "acc=accessories|access=accessories|bbq=BBQ|bev=beverage|bkd=baked|bkng=baking|bn=beans|br=bread|brd=bread|"
        "brkfst=breakfast|btl=bottle|bkngwares=bakeware|cookng=cooking|btr=butter|carb=carbonated|cd=CD|chix=chicken|"
        "chick=chicken|chp=chopped|ckys=cookies|cleang=cleaning|cnd=canned|cndy=candy|cntrl=control|coco=cocoa|"
        "coff=coffee|conc=concentrate|crbntd=carbonated|crkr=crackers|crmd=creamed|crystl=crystal|dnr=dinner|"
        "dnrs=dinners|drnk=drink|drnks=drinks|drnking=drinking|drsng=dressing|dsh=dishes|dvd=DVD|exc=except|"
        "excp=except|ex=except|fd=food|fem=feminine|flav=flavored|flvr=flavored|flvrd=flavored|fs=French style|"
        "frz=frozen|frzn=frozen|gds=goods|gm=general merchandise|grnd=ground|hbc=health & beauty|hygn=hygiene|iqf=IQF|"
        "iws=individually wrapped|jce=juice|juic=juice|juc=juice|lbs=lb|liq=liquor|liqs=liquors|marin=marinated|"
        "mach=machine|mfg=manufacturer|misc=miscellaneous|mlt=multi|mneral=mineral|mw=microwave|mxs=mixes|ndairy=non-"
        "dairy|ntrl=natural|otc=OTC|pck=pack|pckgd=packaged|pk=pack|pkg=packaged|pkgd=packaged|pkld=pickled|"
        "plstc=plastic|pnt=peanut|ppk=prepack|prem=premium|prep=prepared|prod=produce|promo=promotional|"
        "prslc=presliced|pttys=patties|ptty=patty|pwdr=powder|pwdrs=powders|qsr=quick service|refrig=refrigerated|"
        "refrgratd=refrigerated|rts=ready to serve|rtd=ready to drink|rw=random weight|sal=salad|sald=salad|sft=soft|"
        "sgl=single|shldr=shoulder|slc=sliced|sndwch=sandwich|snglsrv=single serve|sngl=single|snks=snacks|"
        "spec=specialty|spht=spaghetti|sprd=spread|srv=serve|ss=single serve|stk=steak|supp=supplement|"
        "supplemen=supplements|sup=super|sv=serve|sw=sweet|tiss=tissue|trsh=trash|bg=bags|tv=TV|unsw=unsweetened|"
        "veg=vegetables|vend=vending|w=with|wh=whole|whl=whole|whlsm=wholesome|wt=weight|wtr=water|xl=XL|"
        "beeralemalt=beer, ale & malt|specilaty=specialty|supppliers=suppliers|suppplies=supplies|disposible=disposable|"
        "chococlate=chocolate|sweetners=sweeteners|saucessalsapicantee=sauces, salsa & picante|memorablilia=memorabilia|"
        "catfd=cat food|dogfd=dog food|rk=rack|bnls=boneless|gr=gravy|shppe=shop|shoppe=shop|ect=etc|et=etc",
    )
)
_SMALL = frozenset({"and", "for", "in", "of", "on", "or", "the", "to", "with", "under", "over", "than"})
_PART = re.compile(r"[A-Za-z']+\.?")
_UNFINISHED = re.compile(r"\s*[(/&,-]?\s*\b[A-Z]\s*$|\s*\([^)]*$")
"""The file cuts product types at 30 characters: a letter or an open bracket at that end says nothing."""

DEPARTMENTS = {
    "": ("Other", "Autres"),
    "AUTOMOTIVE": ("Automotive", "Automobile"),
    "CHARITABLE CONT": ("Charitable contributions", "Dons"),
    "CHEF SHOPPE": ("Chef's shop", "Traiteur"),
    "CNTRL/STORE SUP": ("Store supplies", "Fournitures du magasin"),
    "COSMETICS": ("Cosmetics", "Cosmétiques"),
    "COUPON": ("Coupons", "Bons de réduction"),
    "DELI": ("Deli", "Charcuterie et traiteur"),
    "DRUG GM": ("Drugstore & general merchandise", "Droguerie et bazar"),
    "ELECT &PLUMBING": ("Electrical & plumbing", "Électricité et plomberie"),
    "FLORAL": ("Flowers", "Fleurs"),
    "FROZEN GROCERY": ("Frozen grocery", "Épicerie surgelée"),
    "FUEL": ("Fuel", "Carburant"),
    "GARDEN CENTER": ("Garden centre", "Jardinerie"),
    "GM MERCH EXP": ("General merchandise", "Bazar"),
    "GROCERY": ("Grocery", "Épicerie"),
    "HOUSEWARES": ("Housewares", "Articles ménagers"),
    "MEAT": ("Meat", "Boucherie"),
    "MEAT-PCKGD": ("Packaged meat", "Viande préemballée"),
    "MISCELLANEOUS": ("Miscellaneous", "Divers"),
    "NUTRITION": ("Nutrition", "Diététique"),
    "PASTRY": ("Bakery", "Boulangerie-pâtisserie"),
    "PHOTO & VIDEO": ("Photo & video", "Photo et vidéo"),
    "POSTAL CENTER": ("Postal centre", "Point poste"),
    "PROD-WHS SALES": ("Produce warehouse", "Entrepôt de primeurs"),
    "PRODUCE": ("Produce", "Fruits et légumes"),
    "RESTAURANT": ("Restaurant", "Restaurant"),
    "SALAD BAR": ("Salad bar", "Bar à salades"),
    "SEAFOOD": ("Seafood", "Poissonnerie"),
    "SEAFOOD-PCKGD": ("Packaged seafood", "Produits de la mer préemballés"),
    "SPIRITS": ("Wine & spirits", "Vins et spiritueux"),
    "TOYS": ("Toys", "Jouets"),
    "TRAVEL & LEISURE": ("Travel & leisure", "Voyage et loisirs"),
}

_CATEGORIES_FR = {
    "SOFT DRINKS": "Boissons gazeuses",
    "FLUID MILK PRODUCTS": "Lait",
    "BAKED BREAD/BUNS/ROLLS": "Pains et petits pains",
    "CHEESE": "Fromages",
    "CHEESES": "Fromages à la coupe",
    "BAG SNACKS": "Biscuits apéritifs",
    "FRZN MEAT/MEAT DINNERS": "Plats cuisinés surgelés",
    "BEEF": "Bœuf",
    "SOUP": "Soupes",
    "YOGURT": "Yaourts",
    "FROZEN PIZZA": "Pizzas surgelées",
    "VEGETABLES - SHELF STABLE": "Conserves de légumes",
    "COLD CEREAL": "Céréales",
    "CANDY - CHECKLANE": "Confiseries de caisse",
    "CANDY - PACKAGED": "Confiseries",
    "TROPICAL FRUIT": "Fruits tropicaux",
    "LUNCHMEAT": "Charcuterie en tranches",
    "REFRGRATD JUICES/DRNKS": "Jus frais",
    "CRACKERS/MISC BKD FD": "Crackers",
    "CANNED JUICES": "Jus de fruits",
    "ICE CREAM/MILK/SHERBTS": "Glaces et sorbets",
    "EGGS": "Œufs",
    "BAKED SWEET GOODS": "Gâteaux",
    "DELI MEATS": "Charcuterie",
    "CONDIMENTS/SAUCES": "Condiments et sauces",
    "FRZN VEGETABLE/VEG DSH": "Légumes surgelés",
    "COOKIES/CONES": "Biscuits",
    "COOKIES": "Biscuits frais",
    "FRUIT - SHELF STABLE": "Conserves de fruits",
    "DRY BN/VEG/POTATO/RICE": "Riz et légumes secs",
    "SALD DRSNG/SNDWCH SPRD": "Vinaigrettes et mayonnaises",
    "WATER - CARBONATED/FLVRD DRINK": "Eaux",
    "VEGETABLES - ALL OTHERS": "Autres légumes",
    "BABY FOODS": "Aliments pour bébés",
    "SALAD MIX": "Salades en sachet",
    "CHICKEN": "Poulet",
    "BAKING MIXES": "Préparations pour gâteaux",
    "BEERS/ALES": "Bières",
    "DRY NOODLES/PASTA": "Pâtes",
    "ONIONS": "Oignons",
    "CAT FOOD": "Aliments pour chats",
    "DOG FOODS": "Aliments pour chiens",
    "POTATOES": "Pommes de terre",
    "TOMATOES": "Tomates",
    "PASTA SAUCE": "Sauces pour pâtes",
    "APPLES": "Pommes",
    "MARGARINES": "Margarines",
    "BATH TISSUES": "Papier toilette",
    "PORK": "Porc",
    "COFFEE": "Café",
    "TEAS": "Thés",
    "PNT BTR/JELLY/JAMS": "Confitures et pâtes à tartiner",
    "SPICES & EXTRACTS": "Épices",
    "HAIR CARE PRODUCTS": "Soins des cheveux",
    "HOT DOGS": "Saucisses",
    "CIGARETTES": "Cigarettes",
    "CITRUS": "Agrumes",
    "BERRIES": "Baies",
    "BACON": "Bacon",
    "GRAPES": "Raisins",
    "PAPER TOWELS": "Essuie-tout",
    "ORAL HYGIENE PRODUCTS": "Hygiène dentaire",
    "HOUSEHOLD CLEANG NEEDS": "Produits d’entretien",
    "LAUNDRY DETERGENTS": "Lessives",
    "DISHWASH DETERGENTS": "Liquides vaisselle",
    "SALAD BAR": "Bar à salades",
    "MAGAZINE": "Magazines",
    "NEWSPAPER": "Journaux",
    "BREAD": "Pains",
    "CAKES": "Gâteaux frais",
    "CARROTS": "Carottes",
    "BUTTER": "Beurres",
    "MUSHROOMS": "Champignons",
    "MELONS": "Melons",
    "DOMESTIC WINE": "Vins américains",
    "IMPORTED WINE": "Vins importés",
    "LIQUOR": "Spiritueux",
    "DIAPERS & DISPOSABLES": "Couches",
    "GREETING CARDS/WRAP/PARTY SPLY": "Cartes et fêtes",
    "VITAMINS": "Vitamines",
    "TOYS AND GAMES": "Jeux et jouets",
    "BATTERIES": "Piles",
    "FUEL": "Carburant",
    "SUSHI": "Sushis",
    "WATER": "Eau",
}


def words(text: str) -> str:
    """The text in sentence case, with its abbreviations written out."""
    cleaned = _UNFINISHED.sub("", " ".join(text.split()))
    spelled = _PART.sub(lambda found: _WORDS.get(found[0].rstrip(".").lower(), found[0].rstrip(".").lower()), cleaned or text)
    spaced = re.sub(r"\s+-\s+|(?<=[a-z])- ", " – ", spelled.replace("&", " & ").replace(":", " – "))
    tidy = " ".join(re.sub(r"\s*([/,])\s*", r"\1", spaced).replace("(", " (").replace(",", ", ").split())
    return _titled(tidy)


def _titled(text: str) -> str:
    def capital(found: re.Match[str]) -> str:
        word = found[0]
        return word if word in _SMALL and found.start() else word[0].upper() + word[1:]

    return re.sub(r"[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ']*", capital, text)


def size(text: str) -> str:
    """The size of a package: "22 lb", "1.5 L"."""
    lower = " ".join(text.lower().split())
    return re.sub(r"(?<=\d)(?=[a-z])|\s+", " ", re.sub(r"\bl(tr?)?\b", "L", lower)).strip()


def department(text: str, language: str) -> str:
    english, french = DEPARTMENTS.get(text, (words(text), words(text)))
    return french if language == "fr" else english


def category(text: str, language: str) -> str:
    """In French only where we have translated it."""
    return _CATEGORIES_FR.get(text, words(text)) if language == "fr" else words(text)
