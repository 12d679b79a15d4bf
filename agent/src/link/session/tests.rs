//! A session over a wire in memory, whose gateway answers each question with so many messages.

use std::sync::Mutex;

use futures_util::future::{BoxFuture, ready};
use futures_util::stream;

use super::*;

struct Gateway {
    says: usize,
    answers: mpsc::UnboundedSender<Delivery>,
    hears: Mutex<Option<mpsc::UnboundedReceiver<Delivery>>>,
}

impl Wire for Gateway {
    fn publish(&self, message: Message) -> BoxFuture<'_, Result<(), Outage>> {
        let subject = message.reply.expect("a question");
        for number in 0..self.says {
            let answer = Delivery {
                subject: subject.clone(),
                reply: None,
                headers: Bytes::new(),
                payload: number.to_string().into(),
                status: None,
                description: String::new(),
            };
            self.answers.send(answer).expect("somebody hears");
        }
        Box::pin(ready(Ok(())))
    }

    fn subscribe(&self, _subject: String) -> BoxFuture<'_, Result<Deliveries, Outage>> {
        let hears = self.hears.lock().expect("whole").take().expect("once");
        let next = |mut hears: mpsc::UnboundedReceiver<Delivery>| async {
            hears.recv().await.map(|delivery| (delivery, hears))
        };
        Box::pin(ready(Ok(stream::unfold(hears, next).boxed())))
    }

    fn bytes_in(&self) -> u64 {
        0
    }
}

/// Of five messages, and one that says that these were all: what comes where so many are said, and whether the session goes on.
async fn of_five(says: usize) -> (usize, bool) {
    let (answers, hears) = mpsc::unbounded_channel();
    let gateway = Gateway {
        says,
        answers,
        hears: Mutex::new(Some(hears)),
    };
    let (inbox, time) = ("_INBOX.maff.hq.x".to_owned(), Duration::from_secs(1));
    let session = Session::open(Arc::new(gateway), inbox, time, CancellationToken::new());
    let session = session.await.expect("it is open");
    let replies = session.ask_for_many("feed", Bytes::new(), 5).await;
    let mut replies = replies.expect("it is asked");
    let mut came = 0;
    while replies.next(Duration::from_millis(200)).await.is_ok() {
        came += 1;
    }
    (came, !session.ended().is_cancelled())
}

#[tokio::test]
async fn who_asks_for_many_gets_as_many_and_a_gateway_that_says_more_is_left() {
    assert_eq!(of_five(6).await, (6, true));
    assert_eq!(of_five(1_000).await, (6, false));
}
