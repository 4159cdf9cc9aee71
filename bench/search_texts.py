"""The small library of the relevance test: by language, topics with what they are called and what readers type.

A topic has: its name as titles have it; the title of a resource that has the name only among its keywords; and what is
typed to find it: the name plainly, without marks, in another script, with another article, its beginning, or mistyped.
"""

from __future__ import annotations

Topic = tuple[str, str, tuple[str, ...]]
TITLES = {  # two titles of each topic, and a description that names it in passing
    "en": ("{} for class five", "A first look at {}", "A reader with chapters on many things, among them {}."),
    "fr": ("{} pour la classe", "Une première leçon : {}", "Un recueil de textes sur bien des choses, dont {}."),
    "ru": ("{}: урок для пятого класса", "Первое знакомство: {}", "Сборник текстов о разном, в том числе {}."),
    "ar": ("{} للصف الخامس", "درس أول في {}", "مجموعة نصوص في أمور كثيرة منها {}."),
    "sr": ("{} за пети разред", "Prvi čas: {}", "Зборник текстова о разном, између осталог {}."),
    "th": ("{}สำหรับชั้นประถม", "บทเรียนแรกเรื่อง{}", "รวมบทอ่านหลายเรื่องรวมทั้ง{}"),
    "zh": ("{}小学课程", "初步认识{}", "多种主题的读本，其中包括{}。"),
}
TOPICS: dict[str, tuple[Topic, ...]] = {
    "en": (
        ("Photosynthesis", "How leaves make food", ("photosynthesis", "photosyn", "photosinthesis")),
        ("Climate change", "A warmer planet", ("climate change", "CLIMATE")),
        ("Fractions", "Parts of a whole", ("fractions",)),
        ("Renewable energy", "Wind and sun at work", ("renewable energy", "energy renewabel")),
        ("Ancient Rome", "The city on seven hills", ("ancient rome",)),
    ),
    "fr": (
        ("L’énergie électrique", "La lampe et la pile", ("energie electrique", "énergie électrique", "electriq")),
        ("La géométrie", "Le compas et la règle", ("geometrie", "la géométrie", "geometire")),
        ("Les forêts tropicales", "Sous les grands arbres", ("forets tropicales", "forêt")),
        ("La Révolution française", "L’été 1789", ("revolution francaise",)),
    ),
    "ru": (
        ("Фотосинтез", "Как листья делают пищу", ("фотосинтез", "fotosintez", "фотосентез")),
        ("Объёмы и площади", "Меряем всё вокруг", ("объемы и площади", "объём")),
        ("Ёлочные игрушки", "Мастерим к празднику", ("елочные игрушки",)),
        ("Солнечная система", "Соседи Земли", ("солнечная система", "солнечная систма")),
        ("Дроби", "Части целого", ("дроби", "ДРОБИ")),
    ),
    "ar": (
        ("التَّعْلِيمُ الإِلِكْتُرُونِيُّ", "من السبورة إلى الشاشة", ("التعليم الالكتروني", "تعليم إلكتروني", "التعليم")),
        ("الرياضيات", "العدد والشكل", ("رياضيات", "الرياضيات", "والرياضيات")),
        ("الطاقة المتجددة", "الشمس والريح", ("طاقة متجددة", "الطاقه المتجدده")),
        ("أدب الأطفال", "حكايات قبل النوم", ("ادب الاطفال",)),
    ),
    "sr": (
        ("Учење математике", "Бројеви око нас", ("ucenje matematike", "учење математике", "matematke")),
        ("Српска књижевност", "Песме и приче", ("srpska književnost", "srpska knjizevnost")),
        ("Ђачке песме", "Стихови из клупе", ("djacke pesme", "đačke pesme")),
        ("Заштита животне средине", "Чиста река", ("zastita zivotne sredine", "животне средине")),
    ),
    "th": (
        ("เทคโนโลยีสารสนเทศ", "คอมพิวเตอร์ใกล้ตัว", ("เทคโนโลยีสารสนเทศ", "สารสนเทศ")),
        ("คณิตศาสตร์", "ตัวเลขและรูปทรง", ("คณิตศาสตร์", "คณิต")),
        ("ภาวะโลกร้อน", "โลกของเรา", ("โลกร้อน", "ภาวะโลกร้อน")),
    ),
    "zh": (
        ("教育技术", "屏幕与黑板", ("教育技术", "技术")),
        ("光合作用", "叶子的食物", ("光合作用", "光合")),
        ("古代历史", "很久以前", ("古代历史", "历史")),
        ("气候变化", "变暖的地球", ("气候变化", "气候")),
    ),
}
