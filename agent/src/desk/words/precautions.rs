//! Precautions in information security for whoever uses a computer of the office.

use super::words;

words! {
    title() { unread km: "ការប្រុងប្រយ័ត្នរបស់អ្នកប្រើកុំព្យូទ័រ", en: "Precautions for whoever uses a computer" }
    lead() { unread km: "ទំព័រនេះអាចបោះពុម្ព ហើយបិទនៅជាប់តុ។", en: "This page can be printed and put up beside the desk." }
    link() { unread km: "ការប្រុងប្រយ័ត្នទាំងអស់ សម្រាប់បោះពុម្ព", en: "All precautions, to print" }

    secrets() { unread km: "លេខសម្ងាត់ និងពាក្យសម្ងាត់", en: "PINs and passwords" }
    secrets_own() { unread km: "ម្នាក់ៗមានលេខសម្ងាត់ផ្ទាល់ខ្លួន។ កុំឱ្យអ្នកផ្សេងខ្ចី ទោះបីជាប្រធានក៏ដោយ៖ កំណត់ហេតុកត់ឈ្មោះអ្នកដែលបានធ្វើ។", en: "Each person has a PIN of their own. Lend it to nobody, the chief included: the journal names who did what." }
    secrets_written() { unread km: "កុំសរសេរវាបិទលើអេក្រង់ ក្តារចុច ឬក្នុងទូរស័ព្ទ។", en: "Write it on no screen, keyboard or telephone." }
    secrets_seen() { unread km: "បើអ្នកណាបានឃើញវា សូមឱ្យអ្នកមើលការខុសត្រូវកុំព្យូទ័រប្តូរវានៅថ្ងៃដដែល។", en: "If somebody has seen it, have it changed the same day by the person who looks after this computer." }

    machine() { unread km: "កុំព្យូទ័រ", en: "The computer" }
    machine_lock() { unread km: "ចាកចេញ និងចាក់សោអេក្រង់ រាល់ពេលដែលអ្នកក្រោកពីតុ។", en: "Sign out and lock the screen whenever you leave the desk." }
    machine_update() { unread km: "ទុកឱ្យប្រព័ន្ធ និងកម្មវិធីកម្ចាត់មេរោគធ្វើបច្ចុប្បន្នភាព។ កុំបិទវា។", en: "Let the system and its virus scanner update themselves, and turn neither off." }
    machine_programs() { unread km: "កុំដំឡើងកម្មវិធីដោយខ្លួនឯង ជាពិសេសកម្មវិធីលួចចម្លង។", en: "Install no programs yourself, and least of all pirated ones." }
    machine_door() { unread km: "ចាក់សោបន្ទប់។ ភ្ញៀវមិនត្រូវប្រើកុំព្យូទ័រនេះទេ។", en: "Lock the room. Visitors do not use this computer." }

    files() { unread km: "ឯកសារ និងថាសយូអេសប៊ី", en: "Files and USB sticks" }
    files_unknown() { unread km: "កុំដោតថាសយូអេសប៊ីដែលអ្នករកឃើញ ឬមិនស្គាល់។", en: "Put in no USB stick that you have found or do not know." }
    files_scan() { unread km: "ស្កេនរកមេរោគលើថាសយូអេសប៊ីរាល់ដង មុនពេលបើកឯកសារ។", en: "Scan a USB stick for viruses each time, before you open a file on it." }
    files_macros() { unread km: "បើតារាងសួរអំពី macro សូមឆ្លើយទេ។ ប្រព័ន្ធនេះមិនត្រូវការវាឡើយ។", en: "If a spreadsheet asks to run macros, say no. This system never needs them." }
    files_copies() { unread km: "កុំទុកច្បាប់ចម្លងនៃទិន្នន័យសម្ងាត់លើថាសយូអេសប៊ី ឬក្នុងទូរស័ព្ទ។", en: "Keep no copies of confidential figures on sticks or telephones." }

    messages() { unread km: "អ៊ីមែល សារ និងទូរស័ព្ទ", en: "E-mail, messages, telephone" }
    messages_asked() { unread km: "គ្មានអ្នកណានឹងសុំលេខសម្ងាត់ ឬអាសយដ្ឋានបើកតុការងារពីអ្នកឡើយ។ អ្នកដែលសុំ គឺជាអ្នកបោកប្រាស់។", en: "Nobody will ever ask you for your PIN or for the address that opens the desk. Who asks is a fraud." }
    messages_links() { unread km: "កុំចុចតំណ ឬបើកឯកសារភ្ជាប់ពីអ្នកដែលអ្នកមិនស្គាល់ ឬមិនបានរង់ចាំ។", en: "Follow no link and open no attachment of somebody you do not know, or that you did not expect." }
    messages_call() { unread km: "បើមានការសង្ស័យ សូមទូរស័ព្ទទៅអ្នកផ្ញើ តាមលេខដែលអ្នកស្គាល់ មិនមែនលេខក្នុងសារទេ។", en: "In doubt, telephone the sender by a number that you know, not by the one in the message." }

    wrong() { unread km: "ពេលមានអ្វីមិនប្រក្រតី", en: "When something is wrong" }
    wrong_tell() { unread km: "ប្រាប់អ្នកមើលការខុសត្រូវកុំព្យូទ័រភ្លាមៗ ទោះបីអ្នកបានធ្វើខុសក៏ដោយ។ ការប្រាប់លឿនមិនត្រូវបានដាក់ទោសទេ។", en: "Tell the person who looks after this computer at once, also where it was your mistake. Telling early is never punished." }
    wrong_leave() { unread km: "ដកខ្សែបណ្តាញ ប៉ុន្តែទុកកុំព្យូទ័រឱ្យបើក។ របាយការណ៍ដែលរង់ចាំនៅតែមានសុវត្ថិភាព។", en: "Pull the network cable, but leave the computer on. Reports that wait stay safe." }
    wrong_stolen() { unread km: "បើកុំព្យូទ័របាត់ ឬត្រូវបានលួច សូមទូរស័ព្ទទៅអាជ្ញាធរនៅថ្ងៃដដែល៖ វាបិទវិញ្ញាបនបត្ររបស់ការិយាល័យក្នុងរយៈពេលប៉ុន្មានវិនាទី។", en: "If a computer is lost or stolen, telephone the authority the same day: it revokes the office's certificate within seconds." }
}
