"""Whole asks in languages other than English: going on, and small talk."""

FOLLOW_UPS = """
ja, ja bitte, mach das, mach weiter, weiter, los, genau, einverstanden, passt, ja mach das,
okay weiter, ja genau, los geht's, committe es, nochmal, oui, oui vas y, vas y, continue,
d'accord, fais le, allez y, oui fais le, encore, poursuis, suivant, sí, si, sí hazlo, hazlo,
adelante, continúa, sigue, vale, de acuerdo, dale, sí adelante, sim, faça, continua, pode fazer,
sim pode fazer, prossiga, pode continuar, manda ver, sim faça isso, sì, fallo, vai, vai avanti,
procedi, continua così, sì procedi, d'accordo, да, давай, продолжай, дальше, сделай это,
да сделай, да давай, согласен, коммить, ок, хорошо, так, продовжуй, давай далі, tak, zrób to,
dalej, kontynuuj, evet, devam, devam et, yap, tamam, evet yap, onayla, ja doe maar, doe maar,
ga door, ga verder, có, tiếp tục, làm đi, tiếp đi, đồng ý, ya, lanjut, lanjutkan, kerjakan, 是,
是的, 好, 好的, 继续, 可以, 行, 就这样, 继续吧, 提交, 提交吧, 做吧, 好的 继续, 下一步, 按你说的做,
开始吧, 確認, 繼續, はい, 続けて, お願いします, それでお願いします, やってください, 進めて,
進めてください, はい お願いします, 続けてください, コミットして, 次, 네, 예, 응, 계속, 계속해,
계속해줘, 계속해 줘, 진행해, 진행해줘, 진행해 주세요, 그렇게 해, 그렇게 해줘, 좋아, 커밋해,
커밋해줘, نعم, استمر, تابع, أكمل, افعل ذلك, نعم افعل ذلك, حسنا, موافق, واصل, نعم تابع, بله,
ادامه بده, انجام بده, हाँ, हां, जारी रखो, जारी रखें, कर दो, हाँ कर दो, ठीक है, आगे बढ़ो, करो, ใช่,
ทำต่อ, ต่อเลย, ตกลง, ναι, συνέχισε, προχώρα, כן, תמשיך, קדימה
"""

GREETINGS = """
hallo, guten tag, guten morgen, danke, danke schön, vielen dank, moin, servus, tschüss,
super danke, bonjour, salut, merci, merci beaucoup, bonsoir, au revoir, coucou, hola, buenos días,
gracias, muchas gracias, buenas tardes, adiós, olá, oi, obrigado, obrigada, bom dia, boa tarde,
muito obrigado, valeu, ciao, grazie, grazie mille, buongiorno, buonasera, hoi, dank je,
dank je wel, bedankt, goedemorgen, cześć, dziękuję, dzień dobry, dzięki, hej, tack, merhaba,
selam, teşekkürler, teşekkür ederim, sağ ol, günaydın, xin chào, cảm ơn, chào bạn, cảm ơn bạn,
halo, terima kasih, selamat pagi, привет, здравствуйте, спасибо, большое спасибо, доброе утро,
пока, спасибо большое, привіт, дякую, дякую дуже, добрий день, γεια, γεια σου, ευχαριστώ,
καλημέρα, 你好, 您好, 谢谢, 谢谢你, 早上好, 再见, 嗨, 非常感谢, 謝謝, こんにちは, ありがとう,
ありがとうございます, おはよう, おはようございます, こんばんは, さようなら, 안녕, 안녕하세요,
감사합니다, 고마워, 고마워요, 고맙습니다, مرحبا, شكرا, شكراً, السلام عليكم, صباح الخير,
شكرا جزيلا, شكراً جزيلاً, أهلا, سلام, ممنون, مرسی, नमस्ते, धन्यवाद, शुक्रिया, हैलो, बहुत धन्यवाद,
สวัสดี, สวัสดีครับ, สวัสดีค่ะ, ขอบคุณ, ขอบคุณครับ, ขอบคุณค่ะ, שלום, תודה, תודה רבה, ধন্যবাদ,
হ্যালো
"""
